/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watch slots: who watches at a tap, and which of them want what is at hand.
 *
 * Watches are named by their slots, and several of them by a word with a bit a slot, as it goes
 * along in a record. Selecting a watch for a packet counts the packet for its sample and its limit,
 * so each packet is offered once; the other questions count nothing.
 *
 * Watches are borrowed. All of it belongs to the path's thread.
 */
#ifndef IPMODD_WATCH_WATCH_SLOTS_H
#define IPMODD_WATCH_WATCH_SLOTS_H

#include "ipmodd/watch/tap.h"

struct watch_slots {
    struct watch *watches[WATCHES_MAX];
    uint32_t active;   /* slots with a watch */
    uint32_t of_flows; /* those among them of flows */
};

/* WATCH is in SLOT from here on; NULL: none. */
void watch_slots_set(struct watch_slots *slots, unsigned slot, struct watch *watch);

/* Whether one of KIND is there. */
bool watch_slots_have(const struct watch_slots *slots, enum watch_kind kind);

/* The watches of KIND that want PACKET, which is on its way on PATH with FAULT (observer.h). */
uint32_t watch_slots_select(const struct watch_slots *slots, enum watch_kind kind,
                            const struct path *path, const struct packet *packet,
                            enum reason fault);

/* Those of WATCHERS that want a record that has STAGES. */
uint32_t watch_slots_select_stages(const struct watch_slots *slots, uint32_t watchers,
                                   unsigned stages);

/* The most bytes of a packet that any of WATCHERS wants. */
size_t watch_slots_snap_length(const struct watch_slots *slots, uint32_t watchers);

/* The watches that want to hear of EVENT. */
uint32_t watch_slots_select_flow(const struct watch_slots *slots, const struct flow *flow,
                                 const struct flow_event *event);

#endif
