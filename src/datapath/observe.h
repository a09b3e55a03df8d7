/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observe: counters and events of what happens on the path. Looks on, changes no packet.
 *
 * Most of it is for each packet, and most paths have nobody who looks on: so what counts is inline,
 * and whether there is an observer is asked once a batch. OBSERVED is a constant in each of the two
 * loops that path.c has for that; in the one without, nothing is left of what follows from it.
 */
#ifndef IPMODD_DATAPATH_OBSERVE_H
#define IPMODD_DATAPATH_OBSERVE_H

#include "path_state.h"

#include <assert.h>

/* There is an observer, or a log that is asked for. */
void tell_receipt(const struct path *path, const struct packet *packet);
void tell_translation(const struct path *path, const struct packet *packet);
void tell_arrival(const struct path *path, const struct packet *packet, enum reason fault);
void tell_match(const struct path *path, size_t rule, const struct packet *packet);
/* The rule has acted: an event if it logs and its limit allows. */
void tell_outcome(struct path *path, size_t rule, const struct packet *packet);
void tell_fate(const struct path *path, const struct packet *packet);
/* There are some. */
void tell_answers(struct path *path);

/* It was read; or it had waited, here or on another path, and goes on: then it has been counted. */
static inline void count_arrival(struct path *path, const struct packet *packet)
{
    if ((packet->flags & PACKET_WAITED) != 0) {
        path->counters.parked -= packet->segments;
        return;
    }
    path->counters.in += packet->segments;
    path->counters.in_bytes += packet_wire_bytes(packet);
}

/* Its bytes are as they came. */
static inline void observe_receipt(const struct path *path, bool observed,
                                   const struct packet *packet)
{
    if (observed)
        tell_receipt(path, packet);
}

/* Its flow has translated it behind the rules. */
static inline void observe_translation(const struct path *path, bool observed,
                                       const struct packet *packet)
{
    if (observed)
        tell_translation(path, packet);
}

/* It is understood as far as it will be, and no rule has acted on it. */
static inline void observe_arrival(const struct path *path, bool observed,
                                   const struct packet *packet, enum reason fault)
{
    if (observed)
        tell_arrival(path, packet, fault);
}

/* Rule number RULE matches, before it acts. */
static inline void observe_match(struct path *path, bool observed, size_t rule,
                                 const struct packet *packet)
{
    struct rule_counters *counters = &path->rules[rule].counters;

    counters->packets += packet->segments;
    counters->bytes += packet_wire_bytes(packet);
    counters->last_ns = path->answerer.now_ns;
    if (observed)
        tell_match(path, rule, packet);
}

/* The rule, which neither logs nor captures, has acted. */
static inline void observe_outcome(struct path *path, bool observed, size_t rule,
                                   const struct packet *packet)
{
    if (observed)
        tell_outcome(path, rule, packet);
}

/* SEGMENT of the super-packet PACKET goes on in its place. */
void observe_segment(struct path *path, const struct packet *packet, const struct packet *segment);

/* What the batch has of answers that were not spoken of yet. */
static inline void observe_answers(struct path *path)
{
    if (__builtin_expect(path->answers_told < path->answerer.batch->answer_count, false))
        tell_answers(path);
}

static inline void count_out(struct path *path, const struct packet *packet)
{
    path->counters.out += packet->segments;
    path->counters.out_bytes += packet_wire_bytes(packet);
}

/* The fate is decided. */
static inline void observe_fate(struct path *path, bool observed, const struct packet *packet)
{
    assert(packet->fate == FATE_OUT || packet->fate == FATE_DROP || packet->fate == FATE_PARKED);
    if (observed)
        tell_fate(path, packet);
    if (packet->fate == FATE_DROP) {
        assert(packet->reason != REASON_NONE && packet->reason < REASON_COUNT);
        path->counters.drops[packet->reason] += packet->segments;
        return;
    }
    if (packet->fate == FATE_PARKED) {
        path->counters.parked += packet->segments;
        return;
    }
    count_out(path, packet);
    if ((packet->flags & PACKET_EDITED) != 0)
        path->counters.edited += packet->segments;
}

/* The invariant of path.h. */
bool observe_is_balanced(const struct path *path);

#endif
