/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packing fields into words. */
#include "flow_key.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "ipmodd/wire/tcp.h"

#include <netinet/in.h>
#include <string.h>

/*
 * Word 0, from its lowest bit: 8 bits of what is always told apart, protocol, TTL, ECN and DSCP,
 * TCP flags or ICMP type, ICMP code, direction, DF. Word 1: source and destination port. Then the
 * addresses. Ports and addresses stand as in the packet, byte for byte.
 */
enum {
    IS_IPV6 = 1u << 0,
    IS_SUPER = 1u << 1, /* matches that speak of one wire packet are asked about differently */
    IS_FRAGMENT = 1u << 2,
    IS_LATER_FRAGMENT = 1u << 3,
    SEES_L4 = 1u << 4,
    IS_ORPHAN = 1u << 5,
};

enum {
    AT_PROTO = 8,
    AT_TTL = 16,
    AT_ECN = 24,
    AT_DSCP = 26,
    AT_L4_FIRST = 32,
    AT_ICMP_CODE = 40,
    AT_DIRECTION = 48,
    AT_DF = 56,
};

/* Where a field stands in word 0. */
static const struct {
    enum field field;
    unsigned at;
    uint64_t mask;
} places[] = {
    {FIELD_TTL, AT_TTL, UINT8_MAX},
    {FIELD_ECN, AT_ECN, 3},
    {FIELD_DSCP, AT_DSCP, 0x3f},
    {FIELD_TCP_FLAGS, AT_L4_FIRST, UINT8_MAX},
    {FIELD_ICMP_TYPE, AT_L4_FIRST, UINT8_MAX},
    {FIELD_ICMP_CODE, AT_ICMP_CODE, UINT8_MAX},
    {FIELD_DIRECTION, AT_DIRECTION, UINT8_MAX},
    {FIELD_DF, AT_DF, 1},
};

/* COUNT bytes of a mask, all of which count if FIELD is among FIELDS. */
static void mask_bytes(uint8_t *bytes, size_t count, field_set fields, enum field field)
{
    memset(bytes, (fields & FIELD_BIT(field)) != 0 ? 0xff : 0, count);
}

static uint64_t word_of_ports(const uint8_t *ports)
{
    uint32_t word;

    memcpy(&word, ports, sizeof(word));
    return word;
}

struct flow_mask flow_mask_of(field_set fields, enum ip_family family)
{
    struct flow_mask mask = {.words = {(1u << AT_TTL) - 1}};
    uint8_t ports[2 * sizeof(uint16_t)], *addresses = (uint8_t *)&mask.words[2];
    size_t size = IP_ADDR_BYTES(family);

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        if ((fields & FIELD_BIT(places[i].field)) != 0)
            mask.words[0] |= places[i].mask << places[i].at;
    }
    mask_bytes(ports, sizeof(uint16_t), fields, FIELD_SPORT);
    mask_bytes(ports + sizeof(uint16_t), sizeof(uint16_t), fields, FIELD_DPORT);
    mask.words[1] = word_of_ports(ports);
    mask_bytes(addresses, size, fields, FIELD_SRC);
    mask_bytes(addresses + size, size, fields, FIELD_DST);
    return mask;
}

static uint64_t always_of(const struct packet *packet)
{
    uint64_t word = (uint64_t)packet->proto << AT_PROTO;

    word |= packet->family == FAMILY_IPV6 ? IS_IPV6 : 0;
    word |= packet->segments > 1 ? IS_SUPER : 0;
    word |= (packet->flags & PACKET_FRAGMENT) != 0 ? IS_FRAGMENT : 0;
    word |= (packet->flags & PACKET_LATER_FRAGMENT) != 0 ? IS_LATER_FRAGMENT : 0;
    word |= (packet->flags & PACKET_ORPHAN) != 0 ? IS_ORPHAN : 0;
    return word;
}

static uint64_t ip_of(const struct packet *packet)
{
    const uint8_t *header = packet->data;
    uint64_t word = (uint64_t)packet->direction << AT_DIRECTION;

    if (packet->family == FAMILY_IPV6)
        return word | (uint64_t)header[IP6_HOP_LIMIT] << AT_TTL |
               (uint64_t)ip6_traffic_class(header) << AT_ECN;
    return word | (uint64_t)header[IP4_TTL] << AT_TTL | (uint64_t)header[IP4_TOS] << AT_ECN |
           (uint64_t)((be16_load(header + IP4_FRAGMENT) & IP4_DF) != 0) << AT_DF;
}

static bool is_icmp(const struct packet *packet)
{
    return packet->proto == (packet->family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/* What word 0 has of the upper-layer header; word 1 to *RET_PORTS: all protocols with ports have
 * them in front. */
static uint64_t l4_of(const struct packet *packet, uint64_t *ret_ports)
{
    const uint8_t *header;

    *ret_ports = 0;
    if (!packet_sees_l4(packet))
        return 0;
    header = packet_l4(packet);
    if (is_icmp(packet))
        return SEES_L4 | (uint64_t)header[ICMP_MSG_TYPE] << AT_L4_FIRST |
               (uint64_t)header[ICMP_MSG_CODE] << AT_ICMP_CODE;
    *ret_ports = word_of_ports(header);
    if (packet->proto != IPPROTO_TCP)
        return SEES_L4;
    return SEES_L4 | (uint64_t)header[TCP_FLAGS] << AT_L4_FIRST;
}

/*
 * Source and destination stand one behind the other in both families. Each word is written once and
 * whole: the hash reads them next, and would wait for one that is put together in memory.
 */
void flow_key_take(struct flow_key *key, const struct packet *packet, const struct flow_mask *mask)
{
    uint64_t ports, addresses;
    uint64_t first = always_of(packet) | ip_of(packet) | l4_of(packet, &ports);

    key->words[0] = first & mask->words[0];
    key->words[1] = ports & mask->words[1];
    if (packet->family == FAMILY_IPV4) {
        memcpy(&addresses, packet->data + IP4_SRC, sizeof(addresses));
        key->words[2] = addresses & mask->words[2];
        return;
    }
    for (size_t i = 2; i < FLOW_KEY_WORDS; i++) {
        memcpy(&addresses, packet->data + IP6_SRC + (i - 2) * sizeof(addresses), sizeof(addresses));
        key->words[i] = addresses & mask->words[i];
    }
}
