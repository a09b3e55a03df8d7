/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The path of every packet, from its bytes to its fate. */
#include "act.h"
#include "capture.h"
#include "classify.h"
#include "fixup.h"
#include "flow/track_flow.h"
#include "hand_over.h"
#include "ipmodd/datapath/answer.h"
#include "observe.h"
#include "path_park.h"
#include "path_state.h"
#include "path_track.h"
#include "split.h"
#include "track.h"

#include "ipmodd/base/macro.h"

#include <assert.h>

/* Is in the loop of batches that are observed, and once more in that of those which are not. */
#define LOOP __attribute__((always_inline)) static inline

static void drop(struct packet *packet, enum reason reason)
{
    packet->fate = FATE_DROP;
    packet->reason = reason;
}

static void decide_malformed(struct path *path, struct packet *packet, enum reason reason)
{
    if (path->ruleset->malformed == MALFORMED_DROP) {
        drop(packet, reason);
        return;
    }
    path->counters.malformed_passed++;
    packet->fate = FATE_OUT;
}

/* Rule number I, which logs or captures, acts. */
__attribute__((noinline)) static enum step act_watched(struct path *path, size_t i,
                                                       const struct action_context *context,
                                                       struct packet *packet)
{
    const struct rule *rule = &path->ruleset->rules[i];
    enum step step;

    if (rule->capture != NULL)
        capture_before(path, i, packet);
    step = act_rule(rule, context, packet);
    if (rule->capture != NULL)
        capture_after(path, i, packet);
    tell_outcome(path, i, packet);
    return step;
}

LOOP enum step act(struct path *path, bool observed, size_t i, const struct action_context *context,
                   struct packet *packet)
{
    enum step step;

    if (__builtin_expect(path->ruleset->rules[i].is_watched, false))
        return act_watched(path, i, context, packet);
    step = act_rule(&path->ruleset->rules[i], context, packet);
    observe_outcome(path, observed, i, packet);
    return step;
}

/*
 * Every rule from number FROM on that matches acts, first to last, until one decides. RUN: those
 * that come first, as far as they are known. The number of the rule that asks for a split, with
 * nothing decided; rule_count when the fate is.
 */
LOOP size_t apply_rules(struct path *path, bool observed, struct packet *packet, size_t from,
                        const struct rule_run *run)
{
    const struct ruleset *ruleset = path->ruleset;
    struct action_context context = {
        .answerer = &path->answerer, .view = path->view, .rng = &path->rng};
    struct walk walk;
    bool undecided;

    walk_begin(&walk, from, run);
    for (;;) {
        size_t i = walk_next(&walk, path, packet, &undecided);

        if (i >= ruleset->rule_count)
            break;
        if (undecided && (packet->flags & PACKET_ORPHAN) != 0) {
            drop(packet, REASON_FRAGMENT_BEFORE_FIRST);
            return ruleset->rule_count;
        }
        if (undecided)
            return i;
        observe_match(path, observed, i, packet);
        context.rule = &ruleset->rules[i];
        if (act(path, observed, i, &context, packet) == STEP_END) {
            observe_answers(path);
            return ruleset->rule_count;
        }
    }
    if (ruleset->policy == POLICY_ACCEPT)
        packet->fate = FATE_OUT;
    else
        drop(packet, REASON_POLICY);
    return ruleset->rule_count;
}

/* The kernel would route it to tun0 again, for ever. Its own addresses it keeps to itself. */
static void keep_from_looping(const struct path *path, struct packet *packet)
{
    const struct host_view *view = path->view;
    const uint8_t *dst = packet_dst(packet);

    if (packet->fate != FATE_OUT || (packet->flags & PACKET_HAS_IP) == 0)
        return;
    if (host_view_is_tun_prefix(view, packet->family, dst) &&
        !host_view_is_local(view, packet->family, dst)) {
        drop(packet, REASON_OWN_PREFIX);
        if (path->own_prefix_listener != NULL)
            path->own_prefix_listener->hear(path->own_prefix_listener->context, packet);
    } else if (host_view_is_loop(view, packet->family, dst) &&
               !host_view_is_local(view, packet->family, dst))
        drop(packet, REASON_LOOP);
}

/* What leaves is translated; a new flow for which there is no translation is refused. */
LOOP void translate(struct path *path, bool observed, struct packet *packet)
{
    enum reason reason;

    if (path->flows == NULL || packet->fate != FATE_OUT)
        return;
    reason = path_track_leaving(path, packet);
    if (reason == REASON_NONE) {
        observe_translation(path, observed, packet);
        return;
    }
    if ((reason == REASON_NAT_EXHAUSTED || reason == REASON_NAT_LIMIT) && packet->segments == 1)
        answer_reject(&path->answerer, packet, REJECT_ADMIN_PROHIBITED);
    observe_answers(path);
    drop(packet, reason);
}

LOOP void finish(struct path *path, bool observed, struct packet *packet)
{
    translate(path, observed, packet);
    fixup_packet(packet);
    if (host_view_leads_to_tun(path->view))
        keep_from_looping(path, packet);
    observe_fate(path, observed, packet);
}

/* The wire packets of PACKET go on from the rule at which it could not go on as a whole. */
static void run_segments(struct path *path, bool observed, struct packet *packet, size_t rule)
{
    struct batch *batch = path->answerer.batch;

    fixup_packet(packet);
    split_packet(packet, batch);
    path->counters.split++;
    for (size_t i = 0; i < packet->segments; i++) {
        struct packet *segment = &batch->segments[packet->first_segment + i];

        segment->flow_packets -= packet->segments - (i + 1);
        observe_segment(path, packet, segment);
        apply_rules(path, observed, segment, rule, NULL);
        finish(path, observed, segment);
    }
}

/* PACKET has been read, and perhaps its rules were looked for ahead. */
LOOP void run_packet(struct path *path, bool observed, struct packet *packet,
                     const struct prospect *prospect)
{
    enum reason fault = packet->reason;
    size_t rule;

    packet->reason = REASON_NONE;
    observe_receipt(path, observed, packet);
    if (fault != REASON_NONE) {
        count_arrival(path, packet);
        observe_arrival(path, observed, packet, fault);
        decide_malformed(path, packet, fault);
        finish(path, observed, packet);
        return;
    }
    if (prospect == NULL)
        track_packet(packet, path->view);
    fault = path_stands_alone(path, packet) ? REASON_NONE : path_track(path, packet);
    if (packet->fate == FATE_HANDED) {
        if (hand_over_packet(path, packet))
            return;
        fault = REASON_HAND_OVER_FULL;
    }
    count_arrival(path, packet);
    if (fault != REASON_NONE) {
        observe_arrival(path, observed, packet, REASON_NONE);
        drop(packet, fault);
        finish(path, observed, packet);
        return;
    }
    if ((packet->flags & PACKET_ORPHAN) != 0 && path_waits(path, packet)) {
        path_park(path, packet);
        return;
    }
    observe_arrival(path, observed, packet, REASON_NONE);
    rule = apply_rules(path, observed, packet, 0, classify_foreseen(path, packet, prospect));
    if (rule < path->ruleset->rule_count)
        run_segments(path, observed, packet, rule);
    else
        finish(path, observed, packet);
}

/* Those that waited for FIRST, which has got its fate, go the same way right behind it. */
static void run_waiting(struct path *path, bool observed, struct packet *first,
                        const struct fragment_key *key)
{
    struct packet **end = &first->behind, *packet;

    while ((packet = path_unpark(path, key)) != NULL) {
        run_packet(path, observed, packet, NULL);
        *end = packet;
        end = &packet->behind;
    }
}

/* Refused for what they are, first fragments are none for others. */
static bool is_refused_fragment(const struct packet *packet)
{
    return packet->fate == FATE_DROP && (packet->reason == REASON_TINY_FRAGMENT ||
                                         packet->reason == REASON_OVERLAPPING_FRAGMENT);
}

static bool is_first_fragment(const struct packet *packet)
{
    return (packet->flags & (PACKET_FRAGMENT | PACKET_LATER_FRAGMENT)) == PACKET_FRAGMENT;
}

/* PACKET has come, and perhaps others have waited for it. */
LOOP void take_packet(struct path *path, bool observed, struct packet *packet,
                      const struct prospect *prospect)
{
    bool awaited = packet->reason == REASON_NONE && is_first_fragment(packet) &&
                   fragment_park_count(path->park) > 0;
    struct fragment_key key;

    if (awaited)
        key = fragment_key_of(packet); /* before rules change it */
    run_packet(path, observed, packet, prospect);
    if (awaited && !is_refused_fragment(packet))
        run_waiting(path, observed, packet, &key);
}

/* COUNT packets, for each of which there is one of PROSPECTS, or none if that is NULL. */
LOOP void take_packets(struct path *path, bool observed, struct packet *packets, size_t count,
                       const struct prospect *prospects)
{
    struct packet *end = packets + count;

    for (struct packet *packet = packets; packet < end; packet++) {
        take_packet(path, observed, packet, prospects);
        prospects = prospects != NULL ? prospects + 1 : NULL;
    }
}

LOOP void run_packets(struct path *path, bool observed, struct batch *batch)
{
    if (batch->count < 2 || !classify_looks_ahead(path)) {
        take_packets(path, observed, batch->packets, batch->count, NULL);
        return;
    }
    for (size_t i = 0; i < batch->count; i += FORESIGHT_MAX) {
        size_t count = MIN_OF(batch->count - i, (size_t)FORESIGHT_MAX);

        classify_look_ahead(path, &batch->packets[i], count);
        take_packets(path, observed, &batch->packets[i], count, path->prospects);
    }
}

__attribute__((noinline)) static void run_observed(struct path *path, struct batch *batch)
{
    run_packets(path, true, batch);
}

__attribute__((noinline)) static void run_unobserved(struct path *path, struct batch *batch)
{
    run_packets(path, false, batch);
}

void path_run(struct path *path, struct batch *batch, const struct moment *now)
{
    path->answerer.view = path->view;
    path->answerer.batch = batch;
    path->answerer.now_ns = now->now_ns;
    if (path->view_is_new)
        path->view_since_ns = now->now_ns;
    path->view_is_new = false;
    path->answers_told = 0;
    hand_over_begin(path);
    fragments_begin(path->fragments, now->now_ns);
    fragment_park_begin(path->park, now->now_ns);
    classify_begin(path);
    path->matching = (struct match_context){
        .time = *now, .rng = &path->rng, .undecided = &path->counters.undecided};
    for (size_t i = 0; i < batch->count; i++)
        path_understand(&batch->packets[i]);
    if (path->flows != NULL)
        track_begin(path->flows, batch->packets, batch->count, now->now_ns);
    path_park_expire(path);
    if (path->observer != NULL)
        run_observed(path, batch);
    else
        run_unobserved(path, batch);
    assert(observe_is_balanced(path));
}

void path_finish(struct path *path)
{
    fragment_park_begin(path->park, UINT64_MAX);
    path_park_expire(path);
}
