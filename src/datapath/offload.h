/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Offload: what the virtio-net header says about a packet, held against what parse found.
 *
 * The header comes from the kernel, but whoever may write to a packet socket on the tun device can
 * have it say anything. What contradicts the packet is refused; a partial checksum at another place
 * than that of the packet's own upper layer (of an inner packet) is left to the kernel as it is.
 */
#ifndef IPMODD_DATAPATH_OFFLOAD_H
#define IPMODD_DATAPATH_OFFLOAD_H

#include "ipmodd/base/offload.h"
#include "ipmodd/datapath/packet.h"

enum {
    /* The smallest payload that Linux cuts TCP into is 8 bytes (net.ipv4.tcp_min_snd_mss less a
     * full set of options); that many of them fill 65,535 bytes. */
    OFFLOAD_SEGMENTS_MAX = 8192,
    /* Bytes of headers in front of each segment; seven times those of IPv6 and TCP. */
    OFFLOAD_HEADERS_MAX = 512,
};

/* Of a packet about which the kernel says something. */
enum reason offload_check(struct packet *packet);

/* Finds out what PACKET, which parse accepted, stands for. REASON_NONE or REASON_BAD_OFFLOAD. */
static inline enum reason offload_accept(struct packet *packet)
{
    if (packet->vnet.flags == 0 && packet->vnet.gso_type == VNET_GSO_NONE)
        return REASON_NONE;
    return offload_check(packet);
}

/* What kind of super-packet PACKET is. */
enum offload_class offload_class_of(const struct packet *packet);

#endif
