/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One function a header, each in its RFC's order of validation. */
#include "parse.h"

#include "ipmodd/wire/cursor.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "ipmodd/wire/option.h"
#include "ipmodd/wire/sctp.h"
#include "ipmodd/wire/tcp.h"
#include "ipmodd/wire/udp.h"

#include <netinet/in.h>

enum { DATAGRAM_MAX = 65535 };

/* The IP header says where the packet ends; what lies behind is padding (ip_rcv() cuts it too). */
static void accept_ip(struct packet *packet, struct cursor *cursor, size_t total)
{
    cursor_trim(cursor, total);
    packet->length = total;
    packet->flags |= PACKET_HAS_IP;
}

/*
 * The data behind the cursor is a part of a datagram: OFFSET in bytes, MORE parts behind it.
 * BEFORE: bytes of headers that count into the length of the reassembled datagram.
 */
static enum reason accept_fragment(struct packet *packet, const struct cursor *cursor,
                                   size_t offset, bool more, size_t before)
{
    size_t data = cursor_left(cursor);

    packet->fragment_offset = (uint32_t)cursor->at;
    if (offset > 0)
        packet->flags |= PACKET_FRAGMENT | PACKET_LATER_FRAGMENT;
    else if (more)
        packet->flags |= PACKET_FRAGMENT;
    if (more && data % 8 != 0)
        return REASON_BAD_FRAGMENT;
    if (before + offset + data > DATAGRAM_MAX)
        return REASON_BAD_FRAGMENT;
    return REASON_NONE;
}

/* A source route is under way as long as its pointer is not behind its last address (RFC 791 3.1).
 */
static bool is_route_under_way(const struct option *option)
{
    if (option->kind != IP4_OPTION_LSRR && option->kind != IP4_OPTION_SSRR)
        return false;
    return option->length > 0 && option->value[0] <= option->length + 2;
}

/* The header goes on up to END. Kept out of what every packet goes through. */
__attribute__((noinline)) static enum reason parse_ip4_options(struct packet *packet,
                                                               struct cursor *cursor, size_t end)
{
    struct cursor options = *cursor;
    struct option option;

    cursor_trim(&options, end);
    while (option_next(&options, &option)) {
        if (is_route_under_way(&option))
            packet->flags |= PACKET_SOURCE_ROUTED;
    }
    if (options.failed)
        return REASON_BAD_IP_OPTION;
    cursor_skip(cursor, end - cursor->at);
    return REASON_NONE;
}

/* RFC 791 3.1, RFC 1122 3.2.1. */
static enum reason parse_ip4(struct packet *packet, struct cursor *cursor)
{
    const uint8_t *header = cursor_take(cursor, IP4_HEADER_MIN);
    size_t header_length, total;
    enum reason reason;

    packet->family = FAMILY_IPV4;
    if (header == NULL)
        return REASON_TRUNCATED_IP_HEADER;
    header_length = ip4_header_length(header);
    if (header_length < IP4_HEADER_MIN || header_length > packet->length)
        return REASON_BAD_IP_HEADER_LENGTH;
    total = be16_load(header + IP4_TOTAL_LENGTH);
    if (total < header_length || total > packet->length)
        return REASON_BAD_IP_TOTAL_LENGTH;
    accept_ip(packet, cursor, total);
    packet->proto = header[IP4_PROTO];
    if (header_length > IP4_HEADER_MIN) {
        reason = parse_ip4_options(packet, cursor, header_length);
        if (reason != REASON_NONE)
            return reason;
    }
    return accept_fragment(packet, cursor, ip4_fragment_offset(header),
                           (be16_load(header + IP4_FRAGMENT) & IP4_MF) != 0, header_length);
}

/* RFC 8200 4.5. The fragment header itself is not part of the reassembled packet. */
static enum reason parse_fragment_header(struct packet *packet, struct cursor *cursor)
{
    size_t before = cursor->at - IP6_HEADER;
    const uint8_t *header = cursor_take(cursor, IP6_FRAGMENT_HEADER);
    uint16_t field;

    if (header == NULL)
        return REASON_BAD_EXTENSION_HEADER;
    field = be16_load(header + IP6_FRAGMENT_OFFSET);
    packet->proto = header[IP6_FRAGMENT_NEXT_HEADER];
    return accept_fragment(packet, cursor, field & IP6_FRAGMENT_OFFSET_MASK,
                           (field & IP6_FRAGMENT_MORE) != 0, before);
}

static bool has_home_address(const uint8_t *header, size_t length)
{
    return ip6_option_find(cursor_over(header + IP6_OPTIONS, length - IP6_OPTIONS),
                           IP6_OPTION_HOME_ADDRESS, IP_ADDR_BYTES(FAMILY_IPV6));
}

/* Hop-by-hop and destination options, routing (RFC 8200 4.3, 4.4, 4.6), AH (RFC 4302 2.2). */
static enum reason parse_sized_header(struct packet *packet, struct cursor *cursor)
{
    const uint8_t *header = cursor->bytes + cursor->at;
    uint8_t kind = packet->proto;
    size_t size;

    packet->proto = cursor_u8(cursor);
    size = ip6_extension_size(kind, cursor_u8(cursor));
    cursor_skip(cursor, size - 2);
    if (cursor->failed)
        return REASON_BAD_EXTENSION_HEADER;
    if (kind == IPPROTO_ROUTING && header[IP6_ROUTING_SEGMENTS_LEFT] > 0)
        packet->flags |= PACKET_SOURCE_ROUTED;
    if (kind == IPPROTO_DSTOPTS && has_home_address(header, size))
        packet->flags |= PACKET_HOME_ADDRESS;
    return REASON_NONE;
}

/*
 * Behind the header of a later fragment comes data, whatever it names. The headers of a first
 * fragment are whole or the packet is refused (RFC 7112 5).
 */
static enum reason parse_extension_headers(struct packet *packet, struct cursor *cursor)
{
    for (unsigned seen = 0; ip6_is_extension(packet->proto); seen++) {
        enum reason reason;

        if ((packet->flags & PACKET_LATER_FRAGMENT) != 0)
            return REASON_NONE;
        if (seen == IP6_EXTENSION_HEADERS_MAX)
            return REASON_TOO_MANY_EXTENSION_HEADERS;
        if (packet->proto == IPPROTO_HOPOPTS && seen > 0)
            return REASON_BAD_EXTENSION_HEADER;
        reason = packet->proto == IPPROTO_FRAGMENT ? parse_fragment_header(packet, cursor)
                                                   : parse_sized_header(packet, cursor);
        if (reason != REASON_NONE)
            return reason;
    }
    return REASON_NONE;
}

/* RFC 8200 3. A jumbogram (payload length 0, RFC 2675) cannot be read from a tun device. */
static enum reason parse_ip6(struct packet *packet, struct cursor *cursor)
{
    const uint8_t *header = cursor_take(cursor, IP6_HEADER);
    size_t total;

    packet->family = FAMILY_IPV6;
    if (header == NULL)
        return REASON_TRUNCATED_IP_HEADER;
    total = IP6_HEADER + (size_t)be16_load(header + IP6_PAYLOAD_LENGTH);
    if (total > packet->length)
        return REASON_BAD_IP_TOTAL_LENGTH;
    accept_ip(packet, cursor, total);
    packet->proto = header[IP6_NEXT_HEADER];
    return parse_extension_headers(packet, cursor);
}

/* Two NOPs and a timestamp, which packets of nearly every connection have and nothing else (RFC
 * 7323 appendix A). */
static bool has_timestamp_alone(const uint8_t *header, size_t length)
{
    return length == TCP_HEADER_MIN + TCP_ALIGNED_TIMESTAMP &&
           be32_load(header + TCP_HEADER_MIN) == TCP_ALIGNED_TIMESTAMP_WORD;
}

/* Those of the LENGTH bytes of HEADER, all of which are here. */
static enum reason parse_tcp_options(const uint8_t *header, size_t length)
{
    struct cursor options = cursor_over(header + TCP_HEADER_MIN, length - TCP_HEADER_MIN);
    struct option option;

    if (length == TCP_HEADER_MIN || has_timestamp_alone(header, length))
        return REASON_NONE;
    while (option_next(&options, &option))
        continue;
    return options.failed ? REASON_BAD_TCP_OPTION : REASON_NONE;
}

/* RFC 9293 3.1. In a fragment a long header is one that is cut off. */
static enum reason parse_tcp(const struct packet *packet, struct cursor *cursor)
{
    size_t start = cursor->at;
    const uint8_t *header = cursor_take(cursor, TCP_HEADER_MIN);
    size_t length;

    if (header == NULL)
        return REASON_TRUNCATED_L4_HEADER;
    length = tcp_header_length(header);
    if (length < TCP_HEADER_MIN)
        return REASON_BAD_TCP_HEADER_LENGTH;
    if (length > cursor->length - start)
        return (packet->flags & PACKET_FRAGMENT) != 0 ? REASON_TRUNCATED_L4_HEADER
                                                      : REASON_BAD_TCP_HEADER_LENGTH;
    cursor_skip(cursor, length - TCP_HEADER_MIN);
    return parse_tcp_options(header, length);
}

/* A length field of a datagram of which SIZE bytes are here, all of them unless in a fragment. */
static bool is_length_right(const struct packet *packet, size_t field, size_t size)
{
    return field >= UDP_HEADER && (field <= size || (packet->flags & PACKET_FRAGMENT) != 0);
}

/* RFC 768. Bytes behind the UDP length are left alone. */
static enum reason parse_udp(const struct packet *packet, struct cursor *cursor)
{
    size_t size = cursor_left(cursor);
    const uint8_t *header = cursor_take(cursor, UDP_HEADER);

    if (header == NULL)
        return REASON_TRUNCATED_L4_HEADER;
    if (!is_length_right(packet, be16_load(header + UDP_LENGTH), size))
        return REASON_BAD_UDP_LENGTH;
    return REASON_NONE;
}

/* RFC 3828 3.1: coverage 0 is the whole packet. */
static enum reason parse_udplite(const struct packet *packet, struct cursor *cursor)
{
    size_t size = cursor_left(cursor);
    const uint8_t *header = cursor_take(cursor, UDP_HEADER);
    size_t coverage;

    if (header == NULL)
        return REASON_TRUNCATED_L4_HEADER;
    coverage = be16_load(header + UDP_LENGTH);
    if (coverage != 0 && !is_length_right(packet, coverage, size))
        return REASON_BAD_UDP_LENGTH;
    return REASON_NONE;
}

/* RFC 4340 5.1. */
static enum reason parse_dccp(const struct packet *packet, struct cursor *cursor)
{
    size_t size = cursor_left(cursor);
    const uint8_t *header = cursor_take(cursor, DCCP_HEADER_MIN);
    size_t length, minimum;

    if (header == NULL)
        return REASON_TRUNCATED_L4_HEADER;
    length = (size_t)header[DCCP_DATA_OFFSET] * 4;
    minimum = (header[DCCP_TYPE_X] & 1) != 0 ? DCCP_HEADER_MIN_X : DCCP_HEADER_MIN;
    if (length < minimum)
        return REASON_BAD_DCCP_HEADER_LENGTH;
    if (length > size)
        return (packet->flags & PACKET_FRAGMENT) != 0 ? REASON_TRUNCATED_L4_HEADER
                                                      : REASON_BAD_DCCP_HEADER_LENGTH;
    cursor_skip(cursor, length - DCCP_HEADER_MIN);
    return REASON_NONE;
}

static enum reason parse_fixed(struct cursor *cursor, size_t length)
{
    return cursor_take(cursor, length) != NULL ? REASON_NONE : REASON_TRUNCATED_L4_HEADER;
}

/* The header of `proto`; nothing is read of a protocol that is not known in this family. */
static enum reason parse_l4_header(const struct packet *packet, struct cursor *cursor)
{
    uint8_t icmp = packet->family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

    if (packet->proto == IPPROTO_TCP)
        return parse_tcp(packet, cursor);
    if (packet->proto == IPPROTO_UDP)
        return parse_udp(packet, cursor);
    if (packet->proto == icmp)
        return parse_fixed(cursor, ICMP_MSG_HEADER);
    if (packet->proto == IPPROTO_SCTP)
        return parse_fixed(cursor, SCTP_HEADER);
    if (packet->proto == IPPROTO_UDPLITE)
        return parse_udplite(packet, cursor);
    if (packet->proto == IPPROTO_DCCP)
        return parse_dccp(packet, cursor);
    return REASON_NONE;
}

static enum reason parse_l4(struct packet *packet, struct cursor *cursor)
{
    enum reason reason;

    packet->l4_offset = (uint32_t)cursor->at;
    packet->payload_offset = (uint32_t)cursor->at;
    if ((packet->flags & PACKET_LATER_FRAGMENT) != 0)
        return REASON_NONE;
    reason = parse_l4_header(packet, cursor);
    if (reason == REASON_TRUNCATED_L4_HEADER && (packet->flags & PACKET_FRAGMENT) != 0) {
        packet->flags |= PACKET_TINY_FRAGMENT;
        return REASON_NONE;
    }
    if (reason != REASON_NONE)
        return reason;
    if (cursor->at > packet->l4_offset)
        packet->flags |= PACKET_HAS_L4;
    packet->payload_offset = (uint32_t)cursor->at;
    return REASON_NONE;
}

static enum reason parse_ip(struct packet *packet, struct cursor *cursor)
{
    if (packet->length == 0)
        return REASON_EMPTY;
    switch (packet->data[0] >> 4) {
    case 4:
        return parse_ip4(packet, cursor);
    case 6:
        return parse_ip6(packet, cursor);
    default:
        return REASON_BAD_VERSION;
    }
}

enum reason parse_packet(struct packet *packet)
{
    struct cursor cursor = cursor_over(packet->data, packet->length);
    enum reason reason = parse_ip(packet, &cursor);

    packet->segments = 1;
    if (reason != REASON_NONE)
        return reason;
    return parse_l4(packet, &cursor);
}

enum reason packet_read(struct packet *packet, uint8_t *data, size_t length)
{
    *packet = (struct packet){.data = data, .length = length, .capacity = length, .segments = 1};
    return parse_packet(packet);
}
