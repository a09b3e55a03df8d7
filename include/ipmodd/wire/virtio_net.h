/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio-net header (virtio 1.2, 5.1.6) that a tun device with IFF_VNET_HDR puts in front of
 * each packet, little-endian: what is still to be done to the packet.
 *
 * A packet may be a super-packet, to be cut into segments of which each carries SIZE bytes of
 * payload and a copy of the headers, and its checksum may be partial: the field holds the sum of
 * the pseudo-header, and that of everything from START on is still to be added, complemented and
 * put at START + OFFSET.
 */
#ifndef IPMODD_WIRE_VIRTIO_NET_H
#define IPMODD_WIRE_VIRTIO_NET_H

#include "ipmodd/wire/bytes.h"

enum {
    VNET_FLAGS = 0,
    VNET_GSO_TYPE = 1,
    VNET_HEADER_LENGTH = 2,
    VNET_GSO_SIZE = 4,
    VNET_CSUM_START = 6,
    VNET_CSUM_OFFSET = 8,
    VNET_HEADER = 10,
};

/* Bits of the flags. */
enum {
    VNET_NEEDS_CSUM = 1,
};

/* GSO types; ECN is a bit beside the others. */
enum {
    VNET_GSO_NONE = 0,
    VNET_GSO_TCP4 = 1,
    VNET_GSO_TCP6 = 4,
    VNET_GSO_UDP = 5, /* VIRTIO_NET_HDR_GSO_UDP_L4; Debian 12's headers lack it */
    VNET_GSO_ECN = 0x80,
};

struct virtio_net {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t header_length; /* bytes of all headers of the packet; a hint */
    uint16_t gso_size;      /* payload bytes of each segment but the last */
    uint16_t csum_start;    /* from the first byte of the packet */
    uint16_t csum_offset;   /* from csum_start */
};

static inline struct virtio_net virtio_net_load(const uint8_t *header)
{
    return (struct virtio_net){
        .flags = header[VNET_FLAGS],
        .gso_type = header[VNET_GSO_TYPE],
        .header_length = le16_load(header + VNET_HEADER_LENGTH),
        .gso_size = le16_load(header + VNET_GSO_SIZE),
        .csum_start = le16_load(header + VNET_CSUM_START),
        .csum_offset = le16_load(header + VNET_CSUM_OFFSET),
    };
}

static inline void virtio_net_store(uint8_t *header, const struct virtio_net *values)
{
    header[VNET_FLAGS] = values->flags;
    header[VNET_GSO_TYPE] = values->gso_type;
    le16_store(header + VNET_HEADER_LENGTH, values->header_length);
    le16_store(header + VNET_GSO_SIZE, values->gso_size);
    le16_store(header + VNET_CSUM_START, values->csum_start);
    le16_store(header + VNET_CSUM_OFFSET, values->csum_offset);
}

#endif
