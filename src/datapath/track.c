/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The direction of a packet. */
#include "track.h"

void track_packet(struct packet *packet, const struct host_view *view)
{
    /* First: who sends to this host may claim an address of it. */
    if (host_view_is_local(view, packet->family, packet_dst(packet)))
        packet->direction = DIRECTION_IN;
    else if (host_view_is_local(view, packet->family, packet_src(packet)))
        packet->direction = DIRECTION_OUT;
    else
        packet->direction = DIRECTION_FORWARD;
}
