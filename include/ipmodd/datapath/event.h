/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: what the packet path wants said, as fixed records in a ring that somebody else drains.
 *
 * The path never formats, sends or waits; a full ring counts what it lost. One thread fills the
 * ring, that of the path, and one drains it, perhaps another; neither holds the other up. A record
 * is seen whole or not at all.
 */
#ifndef IPMODD_DATAPATH_EVENT_H
#define IPMODD_DATAPATH_EVENT_H

#include "ipmodd/datapath/packet.h"

#include <stdatomic.h>

struct rule;

enum { EVENT_RING_SIZE = 1024 };

/* A rule with `log` saw this packet. Values are those after the rule's edits. */
struct event {
    const struct rule *rule; /* of the ruleset in force then, which outlives its events */
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

/* Positions count up for ever; each side writes its own, in a cache line of its own. */
struct event_ring {
    struct event events[EVENT_RING_SIZE];
    _Alignas(64) atomic_size_t pushed;
    atomic_size_t lost;
    _Alignas(64) atomic_size_t popped;
    bool lent; /* the event at `popped` is with the caller of event_ring_pop() */
};

/* For the side that fills: the slot for the next event, or NULL when the ring is full (counted). */
struct event *event_ring_claim(struct event_ring *ring);
/* What was claimed last has been filled, and can be seen by the other side. */
void event_ring_push(struct event_ring *ring);

/* For the side that drains: the oldest event, valid until the next call; NULL without one. */
const struct event *event_ring_pop(struct event_ring *ring);

/* For either: whether all was popped and given back; how many events found the ring full so far. */
bool event_ring_is_empty(const struct event_ring *ring);
size_t event_ring_lost(const struct event_ring *ring);

#endif
