/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Path track: what a packet is to those that came before it. A fragment gets its place in its
 * datagram (fragments.h), any packet its flow (flow/track_flow.h) where flows are looked at, and
 * what belongs to another path is found out (hand_over.h).
 */
#ifndef IPMODD_DATAPATH_PATH_TRACK_H
#define IPMODD_DATAPATH_PATH_TRACK_H

#include "path_state.h"

/* Whether those that came before are nothing to PACKET; as most packets are, where no rule asks for
 * flows. */
static inline bool path_stands_alone(const struct path *path, const struct packet *packet)
{
    return path->flows == NULL && !path->hands_over && (packet->flags & PACKET_FRAGMENT) == 0;
}

/*
 * Of a PACKET that does not stand alone, whose direction is known. REASON_NONE, or why it is
 * refused; with FATE_HANDED another path is to have it.
 */
enum reason path_track(struct path *path, struct packet *packet);

/* PACKET has met all rules and is to leave, while flows are tracked: as track_leaving(). */
enum reason path_track_leaving(struct path *path, struct packet *packet);

#endif
