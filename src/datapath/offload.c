/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Partial checksums and super-packets: whether the kernel's word about them can be true. */
#include "offload.h"

#include "ipmodd/wire/tcp.h"
#include "ipmodd/wire/udp.h"

#include <netinet/in.h>

static size_t checksum_place(const struct packet *packet)
{
    return packet->proto == IPPROTO_TCP ? (size_t)TCP_CHECKSUM : (size_t)UDP_CHECKSUM;
}

/* Whether the partial checksum is that of this packet's own TCP or UDP header. */
static bool is_own_checksum(const struct packet *packet)
{
    return (packet->flags & PACKET_HAS_L4) != 0 && (packet->flags & PACKET_FRAGMENT) == 0 &&
           (packet->proto == IPPROTO_TCP || packet->proto == IPPROTO_UDP) &&
           packet->vnet.csum_start == packet->l4_offset &&
           packet->vnet.csum_offset == checksum_place(packet);
}

static enum reason accept_checksum(struct packet *packet)
{
    size_t end = (size_t)packet->vnet.csum_start + packet->vnet.csum_offset + sizeof(uint16_t);

    if ((packet->vnet.flags & VNET_NEEDS_CSUM) == 0)
        return REASON_NONE;
    if (end > packet->length)
        return REASON_BAD_OFFLOAD;
    if (is_own_checksum(packet))
        packet->flags |= PACKET_PARTIAL_CHECKSUM;
    return REASON_NONE;
}

static bool is_type_right(const struct packet *packet)
{
    switch (packet->vnet.gso_type) {
    case VNET_GSO_TCP4:
    case VNET_GSO_TCP4 | VNET_GSO_ECN:
        return packet->family == FAMILY_IPV4 && packet->proto == IPPROTO_TCP;
    case VNET_GSO_TCP6:
    case VNET_GSO_TCP6 | VNET_GSO_ECN:
        return packet->family == FAMILY_IPV6 && packet->proto == IPPROTO_TCP;
    case VNET_GSO_UDP:
        return packet->proto == IPPROTO_UDP &&
               be16_load(packet->data + packet->l4_offset + UDP_LENGTH) ==
                   packet->length - packet->l4_offset;
    default:
        return false;
    }
}

/* Each segment gets its checksum from the partial one, so there is none without. */
static enum reason accept_segments(struct packet *packet)
{
    size_t payload = packet->length - packet->payload_offset;
    size_t size = packet->vnet.gso_size;

    if (packet->vnet.gso_type == VNET_GSO_NONE)
        return REASON_NONE;
    if ((packet->flags & PACKET_PARTIAL_CHECKSUM) == 0 || !is_type_right(packet))
        return REASON_BAD_OFFLOAD;
    if (size == 0 || payload > size * OFFLOAD_SEGMENTS_MAX ||
        packet->payload_offset > OFFLOAD_HEADERS_MAX)
        return REASON_BAD_OFFLOAD;
    packet->vnet.header_length = (uint16_t)packet->payload_offset;
    if (payload > size)
        packet->segments = (uint32_t)((payload + size - 1) / size);
    return REASON_NONE;
}

enum reason offload_check(struct packet *packet)
{
    enum reason reason = accept_checksum(packet);

    return reason != REASON_NONE ? reason : accept_segments(packet);
}

enum offload_class offload_class_of(const struct packet *packet)
{
    if ((packet->vnet.gso_type & VNET_GSO_ECN) != 0)
        return OFFLOAD_TCP_ECN;
    if (packet->proto == IPPROTO_UDP)
        return OFFLOAD_UDP;
    return packet->family == FAMILY_IPV4 ? OFFLOAD_TCP4 : OFFLOAD_TCP6;
}
