/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hand over: packets of flows that another path has (ipmodd/datapath/shards.h). */
#ifndef IPMODD_DATAPATH_HAND_OVER_H
#define IPMODD_DATAPATH_HAND_OVER_H

#include "path_state.h"

/* A new batch: finds out whether any of its packets can be another path's. */
void hand_over_begin(struct path *path);

/* PACKET is a fragment that belongs where those of its datagram meet: FATE_HANDED, and true. */
bool hand_over_fragment(const struct path *path, struct packet *packet);

/*
 * PATH has no flows, and other paths have. REASON_NONE, with FATE_HANDED for a PACKET of such a
 * flow; or why it is refused.
 */
enum reason hand_over_stranger(const struct path *path, struct packet *packet);

/* Gives away PACKET, with FATE_HANDED. False when there is no room. */
bool hand_over_packet(struct path *path, const struct packet *packet);

#endif
