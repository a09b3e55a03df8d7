/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The path of every packet, from its bytes to its fate. */
#include "act.h"
#include "classify.h"
#include "fixup.h"
#include "observe.h"
#include "parse.h"
#include "path_state.h"
#include "track.h"

#include <assert.h>

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

/* Every rule that matches acts, first to last, until one decides. */
static void apply_rules(struct path *path, struct packet *packet)
{
    const struct ruleset *ruleset = path->ruleset;
    const struct action_context context = {
        .answerer = &path->answerer, .view = path->view, .rng = &path->rng};

    for (size_t i = classify_next(ruleset, packet, 0); i < ruleset->rule_count;
         i = classify_next(ruleset, packet, i + 1)) {
        enum step step;

        observe_match(path, i, packet);
        step = act_rule(&ruleset->rules[i], &context, packet);
        observe_outcome(path, i, packet);
        if (step == STEP_END)
            return;
    }
    if (ruleset->policy == POLICY_ACCEPT)
        packet->fate = FATE_OUT;
    else
        drop(packet, REASON_POLICY);
}

/* The kernel would route it to tun0 again, for ever. Its own addresses it keeps to itself. */
static void keep_from_looping(const struct path *path, struct packet *packet)
{
    if (packet->fate != FATE_OUT || (packet->flags & PACKET_HAS_IP) == 0)
        return;
    if (host_view_is_tun_prefix(path->view, packet->family, packet_dst(packet)) &&
        !host_view_is_local(path->view, packet->family, packet_dst(packet)))
        drop(packet, REASON_OWN_PREFIX);
}

static void run_packet(struct path *path, struct packet *packet)
{
    enum reason fault = parse_packet(packet);

    if (fault != REASON_NONE) {
        decide_malformed(path, packet, fault);
    } else {
        track_packet(packet, path->view);
        apply_rules(path, packet);
        fixup_packet(packet);
    }
    keep_from_looping(path, packet);
}

void path_run(struct path *path, struct batch *batch, uint64_t now_ns)
{
    path->answerer.view = path->view;
    path->answerer.batch = batch;
    path->answerer.now_ns = now_ns;
    for (size_t i = 0; i < batch->count; i++) {
        observe_arrival(path, &batch->packets[i]);
        run_packet(path, &batch->packets[i]);
        observe_fate(path, &batch->packets[i]);
    }
    for (size_t i = 0; i < batch->answer_count; i++)
        observe_answer(path, &batch->answers[i]);
    assert(observe_is_balanced(path));
}
