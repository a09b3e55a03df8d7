/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding the headers of a packet that an ICMP error quotes. */
#include "quote.h"

#include "ipmodd/wire/cursor.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"

#include <netinet/in.h>

static bool is_icmp4_error(uint8_t type)
{
    return type == ICMP4_UNREACHABLE || type == ICMP4_SOURCE_QUENCH || type == ICMP4_REDIRECT ||
           type == ICMP4_TIME_EXCEEDED || type == ICMP4_PARAMETER_PROBLEM;
}

bool quote_is_error(const struct packet *packet)
{
    if (!packet_is_icmp(packet))
        return false;
    if (packet->family == FAMILY_IPV4)
        return is_icmp4_error(packet_icmp_type(packet));
    return packet_icmp_type(packet) < ICMP6_INFORMATIONAL;
}

bool quote_is_part_of_error(const struct packet *packet)
{
    return (packet->flags & PACKET_FRAGMENT) != 0 && quote_is_error(packet);
}

static bool find_ip4(struct cursor *cursor, struct quote *quote)
{
    const uint8_t *header = cursor_take(cursor, IP4_HEADER_MIN);

    if (header == NULL || header[IP4_VERSION_IHL] >> 4 != 4 ||
        ip4_header_length(header) < IP4_HEADER_MIN || ip4_fragment_offset(header) > 0)
        return false;
    cursor_skip(cursor, ip4_header_length(header) - IP4_HEADER_MIN);
    quote->proto = header[IP4_PROTO];
    return !cursor->failed;
}

/* The extension header of kind PROTO. False when it is not whole, or of a later fragment. */
static bool skip_extension(struct cursor *cursor, uint8_t proto, uint8_t *ret_next)
{
    const uint8_t *header = cursor->bytes + cursor->at;
    size_t size;

    *ret_next = cursor_u8(cursor);
    size = ip6_extension_size(proto, cursor_u8(cursor));
    cursor_skip(cursor, size - 2);
    if (cursor->failed)
        return false;
    return proto != IPPROTO_FRAGMENT ||
           (be16_load(header + IP6_FRAGMENT_OFFSET) & IP6_FRAGMENT_OFFSET_MASK) == 0;
}

static bool find_ip6(struct cursor *cursor, struct quote *quote)
{
    const uint8_t *header = cursor_take(cursor, IP6_HEADER);

    if (header == NULL || header[IP6_VERSION_CLASS] >> 4 != 6)
        return false;
    quote->proto = header[IP6_NEXT_HEADER];
    for (unsigned seen = 0; ip6_is_extension(quote->proto); seen++) {
        if (seen == IP6_EXTENSION_HEADERS_MAX ||
            !skip_extension(cursor, quote->proto, &quote->proto))
            return false;
    }
    return true;
}

bool quote_find(const struct packet *packet, struct quote *ret_quote)
{
    struct quote quote = {
        .ip_offset = packet->payload_offset, .end = packet->length, .family = packet->family};
    struct cursor cursor = cursor_over(packet->data, packet->length);
    bool found;

    cursor_skip(&cursor, quote.ip_offset);
    found = quote.family == FAMILY_IPV4 ? find_ip4(&cursor, &quote) : find_ip6(&cursor, &quote);
    if (!found)
        return false;
    quote.l4_offset = cursor.at;
    *ret_quote = quote;
    return true;
}
