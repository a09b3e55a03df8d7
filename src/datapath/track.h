/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Track: what a packet is to this host. So far its direction, by its addresses: what goes to one
 * of ours comes in, of the rest what comes from one of ours was made here.
 */
#ifndef IPMODD_DATAPATH_TRACK_H
#define IPMODD_DATAPATH_TRACK_H

#include "ipmodd/base/host_view.h"
#include "ipmodd/datapath/packet.h"

static inline void track_packet(struct packet *packet, const struct host_view *view)
{
    /* First: who sends to this host may claim an address of it. */
    if (host_view_is_local(view, packet->family, packet_dst(packet)))
        packet->direction = DIRECTION_IN;
    else if (host_view_is_local(view, packet->family, packet_src(packet)))
        packet->direction = DIRECTION_OUT;
    else
        packet->direction = DIRECTION_FORWARD;
}

#endif
