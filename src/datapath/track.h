/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Track: what a packet is to this host. So far its direction, by its addresses: what goes to one
 * of ours comes in, of the rest what comes from one of ours was made here.
 */
#ifndef IPMODD_DATAPATH_TRACK_H
#define IPMODD_DATAPATH_TRACK_H

#include "ipmodd/base/host_view.h"
#include "ipmodd/datapath/packet.h"

static inline enum direction direction_of(const struct host_view *view, enum ip_family family,
                                          const uint8_t *src, const uint8_t *dst)
{
    /* First: who sends to this host may claim an address of it. */
    if (host_view_is_local(view, family, dst))
        return DIRECTION_IN;
    return host_view_is_local(view, family, src) ? DIRECTION_OUT : DIRECTION_FORWARD;
}

static inline enum direction track_direction(const struct packet *packet, enum ip_family family,
                                             const struct host_view *view)
{
    const uint8_t *header = packet->data;

    if (family == FAMILY_IPV4)
        return direction_of(view, FAMILY_IPV4, header + IP4_SRC, header + IP4_DST);
    return direction_of(view, FAMILY_IPV6, header + IP6_SRC, header + IP6_DST);
}

static inline void track_packet(struct packet *packet, const struct host_view *view)
{
    packet->direction = track_direction(packet, packet->family, view);
}

#endif
