/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tap: what watchers of live packets and flows are told by a path, through a ring.
 *
 * A tap is the observer (observer.h) of one path, as long as somebody wants packets. Each watcher
 * has a watch in it: which packets it wants (filter, sample, stages) and how much of each. For a
 * packet that somebody wants, one record holds what it was and, if it was edited, what it became,
 * the rules that matched and its fate; the record names all watchers that want it. Packets that
 * nobody wants cost their filters and nothing else. On a path without a tap nothing is done at all.
 *
 * The path's thread fills the ring and never waits; another thread drains it. What finds no room is
 * counted for each watcher that it was for. Rules in a record are those of a ruleset, so the ring
 * has to be drained before that is freed.
 *
 * A watch of explanations is different: for each packet that it wants, an explainer (explain.h)
 * works on the packet's way and its result goes along as a JSON object. That allocates memory and
 * takes some hundred microseconds with many rules, so such a watch has a limit of packets.
 *
 * Of flows somebody else may want to hear: then the tap is the observer of the path's flows
 * (flow_observer.h) too, or that alone, with which packets as such cost nothing. A record has the
 * flow as it was then.
 *
 * Of a super-packet that is split there is a record for the whole, which ends with FATE_SPLIT, and
 * one for each segment with the same number. An answer has the number of the packet that it
 * answers.
 */
#ifndef IPMODD_WATCH_TAP_H
#define IPMODD_WATCH_TAP_H

#include "ipmodd/datapath/filter.h"
#include "ipmodd/datapath/flow_filter.h"
#include "ipmodd/datapath/record_ring.h"

#include <jansson.h>

enum {
    WATCHES_MAX = 32,         /* in one tap */
    TAP_RING_BYTES = 4 << 20, /* touched as far as used */
    WATCH_RULES_MAX = 32,     /* of a record; more are counted */
    WATCH_SNAP_MIN = 20,      /* bytes */
    WATCH_SNAP_MAX = 65535,
};

/* Kinds of events. Others may join: a watch wants one of them. */
enum watch_kind {
    WATCH_PACKETS,
    WATCH_EXPLANATIONS,
    WATCH_FLOWS,
};

/* Moments of a packet at which a watch may want it; bits. */
enum watch_stage {
    WATCH_IN = 1u << 0,   /* as it was read */
    WATCH_OUT = 1u << 1,  /* as it leaves; answers too */
    WATCH_DROP = 1u << 2, /* as it was when it was dropped */
    WATCH_STAGES = WATCH_IN | WATCH_OUT | WATCH_DROP,
};

/* With WATCH_FLOWS: what may become of a flow, as bits. */
#define WATCH_CHANGE(change) (1u << (change))
#define WATCH_CHANGES        (WATCH_CHANGE(FLOW_CHANGE_COUNT) - 1)

struct watch_wish {
    enum watch_kind kind;

    /* Of packets. */
    struct filter *filter; /* NULL: every packet */
    uint64_t sample;       /* every N-th that the filter fits; 1: all */
    unsigned stages;
    size_t snap_length; /* bytes of a packet that are told at most */
    uint64_t limit;     /* packets on each path; 0: none */

    /* Of flows. */
    struct flow_filter flows;
    unsigned changes; /* WATCH_CHANGE() */
};

/* What became of a flow. */
struct watch_flow {
    struct flow flow;
    struct flow_event event;
    uint64_t time_left_ns; /* until it has had its time */
};

/* The flow that translates a packet. */
struct watch_translation {
    struct flow_tuple tuples[FLOW_WAYS];
    uint32_t rule; /* its identity; 0: none */
    enum flow_way way;
};

struct watch_record {
    struct record record;
    enum watch_kind kind;
    uint32_t watchers; /* 1u << slot */
    const struct ruleset *ruleset;
    unsigned queue;
    uint64_t number;  /* of the packet; counts up with all that arrive on the path */
    uint64_t time_ns; /* since 1970-01-01 00:00 UTC */
    enum direction direction;
    enum reason fault; /* why it could not be understood; REASON_NONE otherwise */
    enum fate fate;
    enum reason reason;
    bool is_answer;
    size_t segment;  /* from 1: of a super-packet that was split */
    size_t segments; /* wire packets that it stands for */
    size_t rule_count;
    uint32_t rules[WATCH_RULES_MAX]; /* as many as there is room for */
    size_t length, captured;         /* before: that many bytes at `data` */
    bool is_edited;
    size_t length_after, captured_after; /* the bytes behind those, if it was edited */
    bool is_translated;                  /* its flow is, and it is in `translation` */
    struct watch_translation translation;
    json_t *explanation; /* with WATCH_EXPLANATIONS; owned by who pops it */
    _Alignas(struct watch_flow) uint8_t data[];
};

/* Of a record of the kind WATCH_FLOWS. */
const struct watch_flow *watch_record_flow(const struct watch_record *record);

struct tap;
struct watch;

/* For PATH, which it borrows and does not touch yet. NULL without memory. */
struct tap *tap_new(struct path *path, unsigned queue);
/* No path calls it any more. Drops what is in the ring. NULL is allowed. */
void tap_free(struct tap *tap);

/* What one path keeps for a wish, which it borrows. NULL without memory. */
struct watch *watch_new(const struct watch_wish *wish);
/* NULL is allowed. */
void watch_free(struct watch *watch);

/*
 * On the path's thread: WATCH, borrowed, is in SLOT from here on; NULL: none. The path tells the
 * tap what any of its watches wants, and nothing more.
 */
void tap_set_watch(struct tap *tap, unsigned slot, struct watch *watch);

/* For the side that drains: as record_ring_pop(). */
const struct watch_record *tap_pop(struct tap *tap);
/* How many records for the watch in SLOT found no room since tap_new(). */
uint64_t tap_lost(const struct tap *tap, unsigned slot);

/* For either side. */
bool tap_is_empty(const struct tap *tap);

#endif
