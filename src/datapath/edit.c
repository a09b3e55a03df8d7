/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing header fields, and keeping the books that fixup.c repairs checksums from. */
#include "ipmodd/datapath/edit.h"

#include "fixup.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/wire/checksum.h"
#include "ipmodd/wire/crc32c.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "ipmodd/wire/option.h"
#include "ipmodd/wire/tcp.h"
#include "ipmodd/wire/udp.h"

#include <netinet/in.h>
#include <string.h>

/* Puts LENGTH bytes at OFFSET of the packet. What stands there already is no edit. */
static void put(struct packet *packet, size_t offset, const uint8_t *bytes, size_t length)
{
    if (memcmp(packet->data + offset, bytes, length) == 0)
        return;
    memcpy(packet->data + offset, bytes, length);
    packet->flags |= PACKET_EDITED;
}

/* The same for a field of the IP header, which IPv4 has a checksum over. */
static void put_ip(struct packet *packet, size_t offset, const uint8_t *bytes, size_t length)
{
    if (packet->family == FAMILY_IPV4)
        packet->delta.ip_header =
            sum_change(packet->delta.ip_header, offset, packet->data + offset, bytes, length);
    put(packet, offset, bytes, length);
}

/* And for one of the upper-layer header. That of a later fragment is not its own, so for the wire
 * nothing changes. */
static void put_l4(struct packet *packet, size_t place, const uint8_t *bytes, size_t length)
{
    size_t offset = packet->l4_offset + place;

    if (packet->shadow != NULL) {
        memcpy(packet->shadow->bytes + place, bytes, length);
        return;
    }
    packet->delta.l4 = sum_change(packet->delta.l4, place, packet->data + offset, bytes, length);
    put(packet, offset, bytes, length);
}

/*
 * One of the 16-bit words that SUM goes over becomes WORD (host order). Nearly all edits are no
 * more than that, or than one half of it.
 */
static void put_word(struct packet *packet, size_t offset, uint16_t word, uint16_t *sum)
{
    uint8_t *at = packet->data + offset;
    uint16_t old = be16_load(at);

    if (old == word)
        return;
    *sum = sum_change_word(*sum, old, word);
    be16_store(at, word);
    packet->flags |= PACKET_EDITED;
}

/* The difference is booked for IPv6 too, where nothing comes of it. */
static void put_ip_word(struct packet *packet, size_t offset, uint16_t word)
{
    put_word(packet, offset, word, &packet->delta.ip_header);
}

static void put_l4_word(struct packet *packet, size_t place, uint16_t word)
{
    if (packet->shadow != NULL)
        be16_store(packet->shadow->bytes + place, word);
    else
        put_word(packet, packet->l4_offset + place, word, &packet->delta.l4);
}

static void account_pseudo(struct packet *packet, const uint8_t *old, const uint8_t *new)
{
    packet->delta.pseudo =
        sum_change(packet->delta.pseudo, 0, old, new, IP_ADDR_BYTES(packet->family));
}

bool edit_src(struct packet *packet, const struct ip_addr *addr)
{
    if (addr->family != packet->family)
        return false;
    if ((packet->flags & PACKET_HOME_ADDRESS) == 0)
        account_pseudo(packet, packet_src(packet), addr->bytes);
    put_ip(packet, packet->family == FAMILY_IPV4 ? IP4_SRC : IP6_SRC, addr->bytes,
           IP_ADDR_BYTES(packet->family));
    return true;
}

bool edit_dst(struct packet *packet, const struct ip_addr *addr)
{
    if (addr->family != packet->family)
        return false;
    if ((packet->flags & PACKET_SOURCE_ROUTED) == 0)
        account_pseudo(packet, packet_dst(packet), addr->bytes);
    put_ip(packet, packet->family == FAMILY_IPV4 ? IP4_DST : IP6_DST, addr->bytes,
           IP_ADDR_BYTES(packet->family));
    return true;
}

/*
 * LENGTH bytes of CHANGE end at END of an SCTP packet. Changes mostly come in the order of their
 * places: then each moves the difference on by what lies between, and none looks to the end.
 */
static void account_change(struct checksum_delta *delta, const uint8_t *change, size_t length,
                           size_t end)
{
    uint32_t difference = crc32c_difference(change, length, 0);

    if (end < delta->sctp_end) {
        delta->sctp_crc ^= crc32c_move(difference, delta->sctp_end - end);
        return;
    }
    delta->sctp_crc = crc32c_move(delta->sctp_crc, end - delta->sctp_end) ^ difference;
    delta->sctp_end = (uint32_t)end;
}

/* LENGTH bytes at OFFSET of an SCTP packet become NEW. */
static void account_sctp(struct packet *packet, size_t offset, const uint8_t *new, size_t length)
{
    uint8_t change[64];

    for (size_t done = 0; done < length; done += sizeof(change)) {
        size_t count = MIN_OF(length - done, sizeof(change));
        const uint8_t *old = packet->data + offset + done;

        for (size_t i = 0; i < count; i++)
            change[i] = old[i] ^ new[done + i];
        account_change(&packet->delta, change, count, offset + done + count);
    }
}

static bool edit_port(struct packet *packet, size_t place, uint16_t port)
{
    uint8_t bytes[2];

    if (!packet_has_ports(packet))
        return false;
    if (packet->proto == IPPROTO_SCTP) {
        if ((packet->flags & PACKET_FRAGMENT) != 0)
            return false;
        be16_store(bytes, port);
        account_sctp(packet, packet->l4_offset + place, bytes, sizeof(bytes));
    }
    put_l4_word(packet, place, port);
    return true;
}

bool edit_sport(struct packet *packet, uint16_t port)
{
    return edit_port(packet, UDP_SPORT, port);
}

bool edit_dport(struct packet *packet, uint16_t port)
{
    return edit_port(packet, UDP_DPORT, port);
}

bool edit_icmp_id(struct packet *packet, uint16_t id)
{
    if (!packet_is_icmp(packet))
        return false;
    put_l4_word(packet, ICMP_MSG_ID, id);
    return true;
}

bool edit_ttl(struct packet *packet, uint8_t ttl)
{
    const uint8_t *header = packet->data;

    if (packet->family == FAMILY_IPV4)
        put_ip_word(packet, IP4_TTL, (uint16_t)(ttl << 8 | header[IP4_PROTO]));
    else
        put_ip_word(packet, IP6_NEXT_HEADER, (uint16_t)(header[IP6_NEXT_HEADER] << 8 | ttl));
    return true;
}

bool edit_tos(struct packet *packet, uint8_t tos)
{
    if (packet->family == FAMILY_IPV4)
        put_ip_word(packet, IP4_VERSION_IHL, (uint16_t)(packet->data[IP4_VERSION_IHL] << 8 | tos));
    else
        put_ip_word(packet, IP6_VERSION_CLASS, ip6_first_word(packet->data, tos));
    return true;
}

bool edit_df(struct packet *packet, bool df)
{
    unsigned field;

    if (packet->family != FAMILY_IPV4)
        return false;
    field = be16_load(packet->data + IP4_FRAGMENT);
    field = df ? field | IP4_DF : field & ~(unsigned)IP4_DF;
    put_ip_word(packet, IP4_FRAGMENT, (uint16_t)field);
    return true;
}

bool edit_ip_id(struct packet *packet, uint16_t id)
{
    if (packet->family != FAMILY_IPV4)
        return false;
    put_ip_word(packet, IP4_ID, id);
    return true;
}

bool edit_flow_label(struct packet *packet, uint32_t label)
{
    const uint8_t *word = packet->data + IP6_VERSION_CLASS;
    uint8_t bytes[4];

    if (packet->family != FAMILY_IPV6)
        return false;
    be32_store(bytes,
               (be32_load(word) & ~(uint32_t)IP6_FLOW_LABEL_MASK) | (label & IP6_FLOW_LABEL_MASK));
    put_ip(packet, IP6_VERSION_CLASS, bytes, sizeof(bytes));
    return true;
}

bool edit_tcp_window(struct packet *packet, uint16_t window)
{
    if (!packet_is_tcp(packet))
        return false;
    put_l4_word(packet, TCP_WINDOW, window);
    return true;
}

bool edit_tcp_flags(struct packet *packet, uint8_t flags)
{
    if (!packet_is_tcp(packet))
        return false;
    put_l4_word(packet, TCP_DATA_OFFSET,
                (uint16_t)(packet_l4(packet)[TCP_DATA_OFFSET] << 8 | flags));
    return true;
}

/* Of LENGTH bytes at PLACE behind the start of the upper-layer header, what its checksum covers. */
static void account_payload(struct packet *packet, size_t place, const uint8_t *new, size_t length)
{
    const uint8_t *old = packet->data + packet->l4_offset + place;
    size_t covered = fixup_covered(packet);

    if (packet->proto == IPPROTO_SCTP)
        account_sctp(packet, packet->l4_offset + place, new, length);
    else if (place < covered)
        packet->delta.l4 =
            sum_change(packet->delta.l4, place, old, new, MIN_OF(length, covered - place));
}

bool edit_payload(struct packet *packet, size_t offset, const uint8_t *bytes, size_t length)
{
    size_t space;

    if (!packet_has_payload(packet))
        return false;
    if (packet->proto == IPPROTO_SCTP && (packet->flags & PACKET_FRAGMENT) != 0)
        return false;
    space = packet_payload_length(packet);
    if (offset > space || space - offset < length)
        return false;
    account_payload(packet, packet->payload_offset - packet->l4_offset + offset, bytes, length);
    put(packet, packet->payload_offset + offset, bytes, length);
    return true;
}

static struct cursor tcp_options(const struct packet *packet)
{
    struct cursor options = cursor_over(packet_l4(packet), packet_l4_length(packet));

    cursor_skip(&options, TCP_HEADER_MIN);
    return options;
}

bool edit_strip_tcp_options(struct packet *packet,
                            bool (*unwanted)(const void *value, uint8_t kind), const void *value)
{
    uint8_t nops[TCP_OPTIONS_MAX];
    struct cursor options;
    struct option option;
    bool stripped = false;

    if (!packet_is_tcp(packet))
        return false;
    memset(nops, OPTION_NOP, sizeof(nops));
    options = tcp_options(packet);
    while (option_next(&options, &option)) {
        size_t size = option.length + OPTION_HEADER;

        if (!unwanted(value, option.kind))
            continue;
        put_l4(packet, options.at - size, nops, size);
        stripped = true;
    }
    return stripped;
}

/*
 * Place of the MSS option's value from the start of the TCP header; 0 without one. An option of
 * that kind with another length is none.
 */
static size_t find_mss(const struct packet *packet)
{
    const uint8_t *header = packet_l4(packet);
    struct cursor options = tcp_options(packet);
    struct option option;

    while (option_next(&options, &option)) {
        if (option.kind == TCP_OPTION_MSS && option.length == 2)
            return (size_t)(option.value - header);
    }
    return 0;
}

static size_t find_mss_of_syn(const struct packet *packet)
{
    if (!packet_is_tcp(packet) || (packet_tcp_flags(packet) & TCP_FLAG_SYN) == 0)
        return 0;
    return find_mss(packet);
}

bool packet_tcp_mss(const struct packet *packet, uint16_t *ret_mss)
{
    size_t place = find_mss_of_syn(packet);

    if (place == 0)
        return false;
    *ret_mss = be16_load(packet_l4(packet) + place);
    return true;
}

bool edit_tcp_mss(struct packet *packet, uint16_t mss)
{
    size_t place = find_mss_of_syn(packet);
    uint8_t bytes[2];

    if (place == 0)
        return false;
    be16_store(bytes, mss);
    put_l4(packet, place, bytes, sizeof(bytes));
    return true;
}
