/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split: a super-packet cut into its wire packets, as the kernel's own segmentation would cut it
 * (tcp_gso_segment(), __udp_gso_segment(), inet_gso_segment()).
 *
 *   - IPv4 identifications count up by one, TCP sequence numbers by the payload before;
 *   - FIN and PSH are in the last segment alone, CWR in the first (wire/tcp.h);
 *   - lengths of IP and UDP are each segment's own;
 *   - the upper-layer checksum stays partial, so no byte of payload is summed: it is right for each
 *     segment but for the length, which is exchanged. Whatever is wrong with it (or hidden by a
 *     source route) stays so; the IPv4 header checksum is changed by difference for the same
 *     reason.
 *
 * Segments are single packets. They live in the batch until it is reset; offload.h bounds how many
 * and how long they can be, so there is always room.
 */
#ifndef IPMODD_DATAPATH_SPLIT_H
#define IPMODD_DATAPATH_SPLIT_H

#include "batch.h"

/*
 * Adds the segments of PACKET, a super-packet with its books closed, to BATCH: those from
 * `first_segment` on, `segments` of them, each with PACKET's direction and fate. PACKET's own fate
 * becomes FATE_SPLIT.
 */
void split_packet(struct packet *packet, struct batch *batch);

#endif
