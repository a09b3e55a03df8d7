/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: what the packet path wants said, as fixed records in a ring that is drained after the
 * batch.
 *
 * The path never formats or sends; a full ring counts what it lost. Single-threaded: filled and
 * drained by the thread that owns the path.
 */
#ifndef IPMODD_DATAPATH_EVENT_H
#define IPMODD_DATAPATH_EVENT_H

#include "ipmodd/datapath/packet.h"

enum { EVENT_RING_SIZE = 1024 };

/* A rule with `log` saw this packet. Values are those after the rule's edits. */
struct event {
    size_t rule;         /* index in the path's present ruleset */
    uint64_t suppressed; /* entries of this rule that its rate limit kept back since the last one */
    struct ip_addr src, dst;
    uint16_t sport, dport; /* host order; 0 without ports */
    uint8_t proto;
    uint8_t icmp_type, icmp_code; /* with ICMP */
    uint8_t ttl;
    size_t length;   /* bytes of the IP packet */
    size_t segments; /* wire packets that it stands for */
    enum direction direction;
    enum fate fate;     /* what the rule decided; FATE_PENDING: the list went on */
    enum reason reason; /* with FATE_DROP */
};

struct event_ring {
    struct event events[EVENT_RING_SIZE];
    size_t head; /* next to be read */
    size_t count;
    uint64_t lost;
};

/* The slot to fill, or NULL when the ring is full (counted). */
struct event *event_ring_push(struct event_ring *ring);

/* The oldest event, valid until the next push; NULL when there is none. */
const struct event *event_ring_pop(struct event_ring *ring);

#endif
