/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translating what an ICMP error quotes (RFC 5508 4.1, 4.2).
 *
 * The quote is payload of the error, so each change of it goes through edit.h and into the books of
 * the error's own checksum. Checksums in the quote are repaired by difference as far as they are
 * there; that of a whole packet of which a part is quoted, too.
 */
#include "flow/translate.h"

#include "fixup.h"
#include "flow/quote.h"
#include "ipmodd/datapath/edit.h"
#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/checksum.h"
#include "ipmodd/wire/crc32c.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "ipmodd/wire/sctp.h"

#include <netinet/in.h>

enum { PORT_BYTES = 2 };

static const uint8_t *quoted_header(const struct packet *packet, const struct quote *quote)
{
    return packet->data + quote->ip_offset;
}

/* AT: offset from the first byte of the error. */
static bool put(struct packet *packet, size_t at, const uint8_t *bytes, size_t length)
{
    return edit_payload(packet, at - packet->payload_offset, bytes, length);
}

static bool put_u16(struct packet *packet, size_t at, uint16_t value)
{
    uint8_t bytes[2];

    be16_store(bytes, value);
    return put(packet, at, bytes, sizeof(bytes));
}

static size_t address_place(enum ip_family family, enum packet_end end)
{
    if (family == FAMILY_IPV4)
        return end == PACKET_SRC ? IP4_SRC : IP4_DST;
    return end == PACKET_SRC ? IP6_SRC : IP6_DST;
}

/* RET_CHANGE: the difference that it makes to sums. */
static bool put_address(struct packet *packet, const struct quote *quote, enum packet_end end,
                        const uint8_t *address, uint16_t *ret_change)
{
    size_t at = quote->ip_offset + address_place(quote->family, end);
    size_t size = IP_ADDR_BYTES(quote->family);
    uint16_t change = sum_change(0, 0, packet->data + at, address, size);

    *ret_change = change;
    if (!put(packet, at, address, size))
        return false;
    if (quote->family == FAMILY_IPV6)
        return true;
    at = quote->ip_offset + IP4_CHECKSUM;
    return put_u16(packet, at, checksum_adjust(be16_load(packet->data + at), change));
}

/* Bytes that the upper layer of the quoted packet had when it was whole. */
static size_t whole_length(const struct packet *packet, const struct quote *quote)
{
    const uint8_t *header = quoted_header(packet, quote);
    size_t headers = quote->l4_offset - quote->ip_offset;
    size_t total = quote->family == FAMILY_IPV4
                       ? be16_load(header + IP4_TOTAL_LENGTH)
                       : IP6_HEADER + (size_t)be16_load(header + IP6_PAYLOAD_LENGTH);

    return total > headers ? total - headers : 0;
}

/* Of the two bytes at PLACE of the quoted upper layer, which become NEW. */
static bool repair_sctp(struct packet *packet, const struct quote *quote, size_t place,
                        const uint8_t *new)
{
    const uint8_t *l4 = packet->data + quote->l4_offset;
    const uint8_t change[PORT_BYTES] = {l4[place] ^ new[0], l4[place + 1] ^ new[1]};
    size_t whole = whole_length(packet, quote);
    uint8_t crc[4];

    if (quote->end - quote->l4_offset < SCTP_HEADER || whole < SCTP_HEADER ||
        le32_load(l4 + SCTP_CHECKSUM) == 0)
        return true;
    le32_store(crc, le32_load(l4 + SCTP_CHECKSUM) ^
                        crc32c_difference(change, PORT_BYTES, whole - place - PORT_BYTES));
    return put(packet, quote->l4_offset + SCTP_CHECKSUM, crc, sizeof(crc));
}

static bool repair_l4(struct packet *packet, const struct quote *quote, uint16_t pseudo,
                      uint16_t change)
{
    const struct checksum_kind *kind = checksum_kind_of(quote->family, quote->proto);
    size_t at;

    if (kind == NULL || quote->end - quote->l4_offset < kind->place + sizeof(uint16_t))
        return true;
    at = quote->l4_offset + kind->place;
    return put_u16(packet, at, checksum_repair(kind, be16_load(packet->data + at), pseudo, change));
}

static size_t port_place(const struct quote *quote, enum packet_end end)
{
    if (quote->proto == IPPROTO_ICMP || quote->proto == IPPROTO_ICMPV6)
        return ICMP_MSG_ID;
    return end == PACKET_SRC ? 0 : PORT_BYTES;
}

/* RET_CHANGE as above. Four bytes of ports, or eight of a query, are in every quote that is found
 * to belong to a flow. */
static bool put_port(struct packet *packet, const struct quote *quote, enum packet_end end,
                     uint16_t port, uint16_t *ret_change)
{
    size_t place = port_place(quote, end);
    uint8_t bytes[PORT_BYTES];

    be16_store(bytes, port);
    *ret_change = sum_change(0, place, packet->data + quote->l4_offset + place, bytes, PORT_BYTES);
    if (quote->proto == IPPROTO_SCTP && !repair_sctp(packet, quote, place, bytes))
        return false;
    return put(packet, quote->l4_offset + place, bytes, PORT_BYTES);
}

bool translate_quote(struct packet *packet, enum packet_end end, const uint8_t *address,
                     bool changes_port, uint16_t port)
{
    uint16_t pseudo, change = 0;
    struct quote quote;

    return quote_find(packet, &quote) && put_address(packet, &quote, end, address, &pseudo) &&
           (!changes_port || put_port(packet, &quote, end, port, &change)) &&
           repair_l4(packet, &quote, pseudo, change);
}
