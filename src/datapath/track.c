/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The direction of a packet. */
#include "track.h"

void track_packet(struct packet *packet, const struct host_view *view)
{
    bool ours = host_view_is_local(view, packet->family, packet_src(packet));

    packet->direction = ours ? DIRECTION_OUT : DIRECTION_FORWARD;
}
