/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of struct tap, for the files that share it: tap.c (its life and its ring),
 * tap_packet.c (packets become records), tap_flow.c (what becomes of flows does).
 *
 * A record is claimed, filled and pushed. The one of a packet is open from the packet's arrival
 * until its fate is decided; what is claimed meanwhile, an answer or a flow's change, is pushed
 * together with it, so that those who read see the packet first.
 */
#ifndef IPMODD_WATCH_TAP_STATE_H
#define IPMODD_WATCH_TAP_STATE_H

#include "watch_slots.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/explain/explain.h"

struct tap {
    struct path *path;
    unsigned queue;
    struct observer observer;
    struct flow_observer flow_observer;
    struct explainer *explainer;
    struct record_ring ring;
    struct watch_slots slots;
    atomic_uint_least64_t lost[WATCHES_MAX];

    /* The packet that is on its way. */
    uint64_t number;
    uint8_t *wire;               /* as it was read, as many bytes as anybody wants */
    uint32_t wanted;             /* by these watches */
    uint32_t explained;          /* and explained for these */
    size_t segment;              /* from 1, once it is split */
    struct watch_record *record; /* being filled; NULL: none */
    size_t rule_count;
    size_t whole_rule_count; /* before it was split */
    uint32_t rules[WATCH_RULES_MAX];
};

/* What has to be told about packets, and about flows, for TAP. */
struct observer tap_packet_observer(struct tap *tap);
struct flow_observer tap_flow_observer(struct tap *tap);

/* A record for WATCHERS with room for DATA bytes; NULL, and counted as lost, without room. */
struct watch_record *tap_claim(struct tap *tap, enum watch_kind kind, uint32_t watchers,
                               size_t data);

/* A record for WATCHERS is not made. */
void tap_lose(struct tap *tap, uint32_t watchers);

#endif
