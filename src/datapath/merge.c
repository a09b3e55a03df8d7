/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which datagrams may go as one, and how. */
#include "merge.h"

#include "fixup.h"
#include "ipmodd/wire/checksum.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "ipmodd/wire/udp.h"

#include <netinet/in.h>
#include <string.h>

enum { SUPER_MAX = 65535 };

static size_t payload_of(const struct packet *packet)
{
    return packet->length - packet->payload_offset;
}

/* A single datagram with nothing but the two headers in front. */
static bool has_plain_headers(const struct packet *packet)
{
    size_t plain = packet->family == FAMILY_IPV4 ? (size_t)IP4_HEADER_MIN : (size_t)IP6_HEADER;

    return packet->proto == IPPROTO_UDP && (packet->flags & PACKET_HAS_L4) != 0 &&
           (packet->flags & PACKET_FRAGMENT) == 0 && packet->l4_offset == plain &&
           packet->vnet.gso_type == VNET_GSO_NONE && payload_of(packet) > 0 &&
           be16_load(packet->data + packet->l4_offset + UDP_LENGTH) ==
               packet->length - packet->l4_offset;
}

/* Whoever writes to the tun device by a packet socket can leave any sum to be completed. */
static bool is_partial_right(const struct packet *packet)
{
    uint16_t sum = be16_load(packet->data + packet->l4_offset + UDP_CHECKSUM);
    uint16_t right = fixup_pseudo_sum(packet, packet->length - packet->l4_offset);

    return sum_is_zero(sum_add(sum, (uint16_t)~right));
}

/*
 * The kernel computes the checksums of every segment anew, so they must be there and right. 0xffff
 * is never computed for an IPv4 header, though it may stand where 0 is right.
 */
static bool has_right_checksums(const struct packet *packet)
{
    if (packet->family == FAMILY_IPV4 && be16_load(packet->data + IP4_CHECKSUM) == 0xffff)
        return false;
    if ((packet->flags & PACKET_PARTIAL_CHECKSUM) != 0)
        return is_partial_right(packet) && !fixup_is_damaged(packet);
    if ((packet->vnet.flags & VNET_NEEDS_CSUM) != 0 ||
        be16_load(packet->data + packet->l4_offset + UDP_CHECKSUM) == 0)
        return false;
    return !fixup_is_damaged(packet);
}

static bool is_same(const struct packet *a, const struct packet *b, size_t from, size_t to)
{
    return memcmp(a->data + from, b->data + from, to - from) == 0;
}

/* In all that segmentation copies from the first to the others. */
static bool has_same_headers(const struct packet *a, const struct packet *b)
{
    size_t ports = a->l4_offset + UDP_LENGTH;

    if (a->family != b->family || a->l4_offset != b->l4_offset)
        return false;
    if (a->family == FAMILY_IPV4)
        return is_same(a, b, IP4_VERSION_IHL, IP4_TOTAL_LENGTH) &&
               is_same(a, b, IP4_FRAGMENT, IP4_CHECKSUM) && is_same(a, b, IP4_SRC, ports);
    return is_same(a, b, IP6_VERSION_CLASS, IP6_PAYLOAD_LENGTH) &&
           is_same(a, b, IP6_NEXT_HEADER, ports);
}

/* RFC 6864 4.1: the identification of an atomic datagram has no meaning, and may be exchanged. */
static bool has_next_id(const struct packet *first, const struct packet *packet, size_t number,
                        enum merge_mode mode)
{
    uint16_t expected;

    if (packet->family == FAMILY_IPV6)
        return true;
    if (mode == MERGE_RELAXED && (be16_load(packet->data + IP4_FRAGMENT) & IP4_DF) != 0)
        return true;
    expected = (uint16_t)(be16_load(first->data + IP4_ID) + number);
    return be16_load(packet->data + IP4_ID) == expected;
}

/* The cheap questions first: most packets that do not fit are of another flow. */
static bool fits(const struct run *run, const struct packet *packet, enum merge_mode mode)
{
    const struct packet *first = run->packets[0];

    if (mode == MERGE_OFF || run->closed || run->count == RUN_PACKETS)
        return false;
    if (!has_plain_headers(packet) || !has_plain_headers(first) || !has_same_headers(first, packet))
        return false;
    if (payload_of(packet) > payload_of(first) || run->length + payload_of(packet) > SUPER_MAX)
        return false;
    return has_next_id(first, packet, run->count, mode) && has_right_checksums(packet) &&
           (run->count > 1 || has_right_checksums(first));
}

bool run_add(struct run *run, struct packet *packet, enum merge_mode mode)
{
    if (run->count == 0) {
        run->length = packet->length;
        run->closed = false;
    } else if (!fits(run, packet, mode)) {
        return false;
    } else {
        run->length += payload_of(packet);
        run->closed = payload_of(packet) < payload_of(run->packets[0]);
    }
    run->packets[run->count++] = packet;
    return true;
}

static void mend_ip4(uint8_t *header, size_t length)
{
    be16_store(header + IP4_TOTAL_LENGTH, (uint16_t)length);
    be16_store(header + IP4_CHECKSUM, 0);
    be16_store(header + IP4_CHECKSUM, checksum_from_sum(sum_bytes(header, IP4_HEADER_MIN)));
}

/* The headers of FIRST, as those of a packet of LENGTH bytes with a partial checksum. */
static void put_headers(uint8_t *headers, const struct packet *first, size_t length)
{
    uint8_t *udp = headers + first->l4_offset;
    size_t datagram = length - first->l4_offset;

    memcpy(headers, first->data, first->payload_offset);
    if (first->family == FAMILY_IPV4)
        mend_ip4(headers, length);
    else
        be16_store(headers + IP6_PAYLOAD_LENGTH, (uint16_t)datagram);
    be16_store(udp + UDP_LENGTH, (uint16_t)datagram);
    be16_store(udp + UDP_CHECKSUM, fixup_pseudo_sum(first, datagram));
}

size_t run_gather(const struct run *run, struct run_parts *ret_parts)
{
    const struct packet *first = run->packets[0];
    const struct virtio_net vnet = {
        .flags = VNET_NEEDS_CSUM,
        .gso_type = VNET_GSO_UDP,
        .header_length = (uint16_t)first->payload_offset,
        .gso_size = (uint16_t)payload_of(first),
        .csum_start = (uint16_t)first->l4_offset,
        .csum_offset = UDP_CHECKSUM,
    };

    virtio_net_store(ret_parts->header, &vnet);
    put_headers(ret_parts->header + VNET_HEADER, first, run->length);
    ret_parts->parts[0] = (struct iovec){ret_parts->header, VNET_HEADER + first->payload_offset};
    for (size_t i = 0; i < run->count; i++) {
        struct packet *packet = run->packets[i];

        ret_parts->parts[1 + i] =
            (struct iovec){packet->data + packet->payload_offset, payload_of(packet)};
    }
    return 1 + run->count;
}
