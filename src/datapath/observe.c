/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting, filling events, and telling who looks on. */
#include "observe.h"

void tell_receipt(const struct path *path, const struct packet *packet)
{
    path->observer->received(path->observer->context, packet);
}

void tell_translation(const struct path *path, const struct packet *packet)
{
    path->observer->translated(path->observer->context, packet);
}

void tell_arrival(const struct path *path, const struct packet *packet, enum reason fault)
{
    path->observer->arrived(path->observer->context, packet, fault);
}

void tell_match(const struct path *path, size_t rule, const struct packet *packet)
{
    path->observer->matched(path->observer->context, rule, packet);
}

void tell_fate(const struct path *path, const struct packet *packet)
{
    path->observer->decided(path->observer->context, packet);
}

void observe_segment(struct path *path, const struct packet *packet, const struct packet *segment)
{
    if (path->observer != NULL)
        path->observer->split(path->observer->context, packet, segment);
}

static void fill_event(struct event *event, const struct packet *packet)
{
    *event = (struct event){
        .src = ip_addr_from_bytes(packet->family, packet_src(packet)),
        .dst = ip_addr_from_bytes(packet->family, packet_dst(packet)),
        .proto = packet->proto,
        .ttl = packet_ttl(packet),
        .length = packet->length,
        .segments = packet->segments,
        .direction = packet->direction,
        .fate = packet->fate,
        .reason = packet->reason,
    };
    if (packet_has_ports(packet)) {
        event->sport = packet_sport(packet);
        event->dport = packet_dport(packet);
    }
    if (packet_is_icmp(packet)) {
        event->icmp_type = packet_icmp_type(packet);
        event->icmp_code = packet_icmp_code(packet);
    }
}

void tell_outcome(struct path *path, size_t rule, const struct packet *packet)
{
    struct rule_state *state = &path->rules[rule];
    struct event *event;

    if (path->observer != NULL)
        path->observer->acted(path->observer->context, rule, packet);
    if (!path->ruleset->rules[rule].logs)
        return;
    if (!bucket_take(&state->log_bucket, path->answerer.now_ns)) {
        state->log_suppressed++;
        return;
    }
    event = event_ring_claim(&path->events);
    if (event == NULL)
        return;
    fill_event(event, packet);
    event->rule = &path->ruleset->rules[rule];
    event->suppressed = state->log_suppressed;
    state->log_suppressed = 0;
    event_ring_push(&path->events);
}

static void observe_answer(struct path *path, const struct packet *answer)
{
    path->counters.generated++;
    count_out(path, answer);
    if (path->observer != NULL)
        path->observer->answered(path->observer->context, answer);
}

void tell_answers(struct path *path)
{
    const struct batch *batch = path->answerer.batch;

    while (path->answers_told < batch->answer_count)
        observe_answer(path, &batch->answers[path->answers_told++]);
}

bool observe_is_balanced(const struct path *path)
{
    uint64_t gone = path->counters.out + path->counters.parked;

    for (size_t i = 0; i < REASON_COUNT; i++)
        gone += path->counters.drops[i];
    return path->counters.in + path->counters.generated == gone;
}
