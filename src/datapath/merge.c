/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which packets may go as one, and how. */
#include "merge.h"

#include "fixup.h"
#include "ipmodd/wire/checksum.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "ipmodd/wire/tcp.h"
#include "ipmodd/wire/udp.h"

#include <netinet/in.h>
#include <string.h>

enum { SUPER_MAX = 65535 };

/* Flags of TCP that one segment of a run may have without the others. */
enum {
    LAST_FLAGS = TCP_FLAG_FIN | TCP_FLAG_PSH,
    FIRST_FLAGS = TCP_FLAG_CWR,
};

static size_t payload_of(const struct packet *packet)
{
    return packet->length - packet->payload_offset;
}

static size_t checksum_place(const struct packet *packet)
{
    return packet->proto == IPPROTO_TCP ? (size_t)TCP_CHECKSUM : (size_t)UDP_CHECKSUM;
}

static uint16_t checksum_of(const struct packet *packet)
{
    return be16_load(packet->data + packet->l4_offset + checksum_place(packet));
}

/* Data of a connection that stands, as a host would have it cut up. */
static bool is_plain_tcp(const struct packet *packet)
{
    const unsigned judged = TCP_FLAG_ACK | TCP_FLAG_SYN | TCP_FLAG_RST | TCP_FLAG_URG;

    return packet->proto == IPPROTO_TCP && (packet_tcp_flags(packet) & judged) == TCP_FLAG_ACK;
}

static bool is_plain_udp(const struct packet *packet)
{
    return packet->proto == IPPROTO_UDP &&
           be16_load(packet->data + packet->l4_offset + UDP_LENGTH) ==
               packet->length - packet->l4_offset;
}

/* A single packet of TCP or UDP with nothing but an IP header without options in front. */
static bool is_plain(const struct packet *packet)
{
    size_t plain = packet->family == FAMILY_IPV4 ? (size_t)IP4_HEADER_MIN : (size_t)IP6_HEADER;

    return (packet->flags & PACKET_HAS_L4) != 0 && (packet->flags & PACKET_FRAGMENT) == 0 &&
           packet->l4_offset == plain && packet->vnet.gso_type == VNET_GSO_NONE &&
           payload_of(packet) > 0 && (is_plain_tcp(packet) || is_plain_udp(packet));
}

/* Whoever writes to the tun device by a packet socket can leave any sum to be completed. */
static bool is_partial_right(const struct packet *packet)
{
    uint16_t right = fixup_pseudo_sum(packet, packet->length - packet->l4_offset);

    return sum_is_zero(sum_add(checksum_of(packet), (uint16_t)~right));
}

/* Where two values are right, the kernel computes this one never; a zero of UDP is none at all. */
static bool is_other_zero(const struct packet *packet)
{
    return checksum_of(packet) == (packet->proto == IPPROTO_TCP ? 0xffff : 0);
}

/*
 * The kernel computes the checksums of every segment anew, so they must be there, right, and the
 * ones that it computes. 0xffff is never that of an IPv4 header, though it may stand where 0 is
 * right.
 */
static bool has_right_checksums(const struct packet *packet)
{
    if (packet->family == FAMILY_IPV4 && be16_load(packet->data + IP4_CHECKSUM) == 0xffff)
        return false;
    if ((packet->flags & PACKET_PARTIAL_CHECKSUM) != 0)
        return is_partial_right(packet) && !fixup_is_damaged(packet);
    if ((packet->vnet.flags & VNET_NEEDS_CSUM) != 0 || is_other_zero(packet))
        return false;
    return !fixup_is_damaged(packet);
}

static bool is_same(const struct packet *a, const struct packet *b, size_t from, size_t to)
{
    return memcmp(a->data + from, b->data + from, to - from) == 0;
}

/* In what segmentation copies of the IP header. */
static bool has_same_ip(const struct packet *a, const struct packet *b)
{
    if (a->family == FAMILY_IPV4)
        return is_same(a, b, IP4_VERSION_IHL, IP4_TOTAL_LENGTH) &&
               is_same(a, b, IP4_FRAGMENT, IP4_CHECKSUM) && is_same(a, b, IP4_SRC, a->l4_offset);
    return is_same(a, b, IP6_VERSION_CLASS, IP6_PAYLOAD_LENGTH) &&
           is_same(a, b, IP6_NEXT_HEADER, a->l4_offset);
}

/* All but the sequence number, the checksum and flags of the first or last. */
static bool has_same_tcp(const struct packet *a, const struct packet *b)
{
    size_t l4 = a->l4_offset;
    unsigned differing = (unsigned)(packet_tcp_flags(a) ^ packet_tcp_flags(b));

    return (differing & ~(unsigned)(FIRST_FLAGS | LAST_FLAGS)) == 0 &&
           is_same(a, b, l4, l4 + TCP_SEQ) && is_same(a, b, l4 + TCP_ACK, l4 + TCP_FLAGS) &&
           is_same(a, b, l4 + TCP_WINDOW, l4 + TCP_CHECKSUM) &&
           is_same(a, b, l4 + TCP_URGENT, a->payload_offset);
}

/* In all that segmentation copies from the first to the others. */
static bool has_same_headers(const struct packet *a, const struct packet *b)
{
    if (a->family != b->family || a->proto != b->proto || a->payload_offset != b->payload_offset ||
        !has_same_ip(a, b))
        return false;
    if (a->proto == IPPROTO_TCP)
        return has_same_tcp(a, b);
    return is_same(a, b, a->l4_offset, a->l4_offset + UDP_LENGTH);
}

/* RFC 6864 4.1: the identification of an atomic datagram has no meaning, and may be exchanged. */
static bool has_next_id(const struct packet *first, const struct packet *packet, size_t number,
                        enum merge_mode mode)
{
    uint16_t expected;

    if (packet->family == FAMILY_IPV6)
        return true;
    if (mode == MERGE_RELAXED && packet_df(packet))
        return true;
    expected = (uint16_t)(packet_ip_id(first) + number);
    return packet_ip_id(packet) == expected;
}

static uint32_t sequence_of(const struct packet *packet)
{
    return be32_load(packet->data + packet->l4_offset + TCP_SEQ);
}

/* Continues the bytes of RUN, without a flag that the kernel gives to the first segment alone. */
static bool is_next_segment(const struct run *run, const struct packet *packet)
{
    size_t before = run->length - run->packets[0]->payload_offset;

    if (packet->proto != IPPROTO_TCP)
        return true;
    return sequence_of(packet) == sequence_of(run->packets[0]) + (uint32_t)before &&
           (packet_tcp_flags(packet) & FIRST_FLAGS) == 0;
}

/* The kind of super-packet that FIRST would begin. */
static enum offload_class class_of(const struct packet *first)
{
    if (first->proto == IPPROTO_UDP)
        return OFFLOAD_UDP;
    if ((packet_tcp_flags(first) & FIRST_FLAGS) != 0)
        return OFFLOAD_TCP_ECN;
    return first->family == FAMILY_IPV4 ? OFFLOAD_TCP4 : OFFLOAD_TCP6;
}

/* The cheap questions first: most packets that do not fit are of another flow. */
static bool fits(const struct run *run, const struct packet *packet, struct merging merging)
{
    const struct packet *first = run->packets[0];

    if (merging.mode == MERGE_OFF || run->closed || run->count == RUN_PACKETS)
        return false;
    if (!is_plain(packet) || !is_plain(first) || !has_same_headers(first, packet))
        return false;
    if (payload_of(packet) > payload_of(first) || run->length + payload_of(packet) > SUPER_MAX)
        return false;
    return is_next_segment(run, packet) && has_next_id(first, packet, run->count, merging.mode) &&
           (merging.classes & 1u << class_of(first)) != 0 && has_right_checksums(packet) &&
           (run->count > 1 || has_right_checksums(first));
}

/* Whether the kernel would write PACKET as the last of its super-packet alone. */
static bool is_last(const struct run *run, const struct packet *packet)
{
    return payload_of(packet) < payload_of(run->packets[0]) ||
           (packet_is_tcp(packet) && (packet_tcp_flags(packet) & LAST_FLAGS) != 0);
}

bool run_add(struct run *run, struct packet *packet, struct merging merging)
{
    if (run->count > 0 && !fits(run, packet, merging))
        return false;
    run->length = run->count == 0 ? packet->length : run->length + payload_of(packet);
    run->packets[run->count++] = packet;
    run->closed = is_last(run, packet);
    return true;
}

enum offload_class run_class(const struct run *run)
{
    return class_of(run->packets[0]);
}

static void mend_ip(uint8_t *header, enum ip_family family, size_t length)
{
    if (family == FAMILY_IPV6) {
        be16_store(header + IP6_PAYLOAD_LENGTH, (uint16_t)(length - IP6_HEADER));
        return;
    }
    be16_store(header + IP4_TOTAL_LENGTH, (uint16_t)length);
    be16_store(header + IP4_CHECKSUM, 0);
    be16_store(header + IP4_CHECKSUM, checksum_from_sum(sum_bytes(header, IP4_HEADER_MIN)));
}

/* The headers of the first packet, as those of the whole run with a partial checksum. */
static void put_headers(uint8_t *headers, const struct run *run)
{
    const struct packet *first = run->packets[0], *last = run->packets[run->count - 1];
    uint8_t *l4 = headers + first->l4_offset;
    size_t l4_length = run->length - first->l4_offset;

    memcpy(headers, first->data, first->payload_offset);
    mend_ip(headers, first->family, run->length);
    if (first->proto == IPPROTO_TCP)
        l4[TCP_FLAGS] |= packet_tcp_flags(last);
    else
        be16_store(l4 + UDP_LENGTH, (uint16_t)l4_length);
    be16_store(l4 + checksum_place(first), fixup_pseudo_sum(first, l4_length));
}

static uint8_t gso_type_of(const struct packet *first)
{
    uint8_t type = first->family == FAMILY_IPV4 ? VNET_GSO_TCP4 : VNET_GSO_TCP6;

    if (first->proto == IPPROTO_UDP)
        return VNET_GSO_UDP;
    return class_of(first) == OFFLOAD_TCP_ECN ? type | VNET_GSO_ECN : type;
}

size_t run_gather(const struct run *run, struct run_parts *ret_parts)
{
    const struct packet *first = run->packets[0];
    const struct virtio_net vnet = {
        .flags = VNET_NEEDS_CSUM,
        .gso_type = gso_type_of(first),
        .header_length = (uint16_t)first->payload_offset,
        .gso_size = (uint16_t)payload_of(first),
        .csum_start = (uint16_t)first->l4_offset,
        .csum_offset = (uint16_t)checksum_place(first),
    };

    virtio_net_store(ret_parts->header, &vnet);
    put_headers(ret_parts->header + VNET_HEADER, run);
    ret_parts->parts[0] = (struct iovec){ret_parts->header, VNET_HEADER + first->payload_offset};
    for (size_t i = 0; i < run->count; i++) {
        struct packet *packet = run->packets[i];

        ret_parts->parts[1 + i] =
            (struct iovec){packet->data + packet->payload_offset, payload_of(packet)};
    }
    return 1 + run->count;
}
