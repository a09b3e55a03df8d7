/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packing fields into words. */
#include "flow_key.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/wire/bytes.h"

#include <string.h>

/*
 * Word 0, from its lowest bit: 8 bits of what is always told apart, protocol, TTL, TOS, TCP flags
 * or ICMP type, ICMP code, direction, DF. Word 1: ports. Then the addresses.
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
    AT_SPORT = 16,
    AT_DPORT = 0,
};

/* Where a field stands in one of the first two words. */
static const struct {
    enum field field;
    unsigned word, at;
    uint64_t mask;
} places[] = {
    {FIELD_TTL, 0, AT_TTL, UINT8_MAX},
    {FIELD_ECN, 0, AT_ECN, 3},
    {FIELD_DSCP, 0, AT_DSCP, 0x3f},
    {FIELD_TCP_FLAGS, 0, AT_L4_FIRST, UINT8_MAX},
    {FIELD_ICMP_TYPE, 0, AT_L4_FIRST, UINT8_MAX},
    {FIELD_ICMP_CODE, 0, AT_ICMP_CODE, UINT8_MAX},
    {FIELD_DIRECTION, 0, AT_DIRECTION, UINT8_MAX},
    {FIELD_DF, 0, AT_DF, 1},
    {FIELD_SPORT, 1, AT_SPORT, UINT16_MAX},
    {FIELD_DPORT, 1, AT_DPORT, UINT16_MAX},
};

struct flow_mask flow_mask_of(field_set fields, enum ip_family family)
{
    struct flow_mask mask = {.words = {(1u << AT_TTL) - 1}};
    uint64_t src = (fields & FIELD_BIT(FIELD_SRC)) != 0 ? UINT64_MAX : 0;
    uint64_t dst = (fields & FIELD_BIT(FIELD_DST)) != 0 ? UINT64_MAX : 0;

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        if ((fields & FIELD_BIT(places[i].field)) != 0)
            mask.words[places[i].word] |= places[i].mask << places[i].at;
    }
    if (family == FAMILY_IPV4) {
        mask.words[2] = src << 32 | dst >> 32;
    } else {
        mask.words[2] = mask.words[3] = src;
        mask.words[4] = mask.words[5] = dst;
    }
    return mask;
}

static uint64_t always_of(const struct packet *packet)
{
    uint64_t word = (uint64_t)packet->proto << AT_PROTO;

    word |= packet->family == FAMILY_IPV6 ? IS_IPV6 : 0;
    word |= packet->segments > 1 ? IS_SUPER : 0;
    word |= (packet->flags & PACKET_FRAGMENT) != 0 ? IS_FRAGMENT : 0;
    word |= (packet->flags & PACKET_LATER_FRAGMENT) != 0 ? IS_LATER_FRAGMENT : 0;
    word |= packet_sees_l4(packet) ? SEES_L4 : 0;
    word |= (packet->flags & PACKET_ORPHAN) != 0 ? IS_ORPHAN : 0;
    return word;
}

static uint64_t ip_of(const struct packet *packet)
{
    uint64_t word = (uint64_t)packet_ttl(packet) << AT_TTL | (uint64_t)packet_tos(packet) << AT_ECN;

    if (packet->family == FAMILY_IPV4)
        word |= (uint64_t)packet_df(packet) << AT_DF;
    return word | (uint64_t)packet->direction << AT_DIRECTION;
}

static void take_l4(struct flow_key *key, const struct packet *packet)
{
    key->words[1] = 0;
    if (packet_has_ports(packet))
        key->words[1] = (uint64_t)packet_sport(packet) << AT_SPORT | packet_dport(packet);
    if (packet_is_tcp(packet))
        key->words[0] |= (uint64_t)packet_tcp_flags(packet) << AT_L4_FIRST;
    else if (packet_is_icmp(packet))
        key->words[0] |= (uint64_t)packet_icmp_type(packet) << AT_L4_FIRST |
                         (uint64_t)packet_icmp_code(packet) << AT_ICMP_CODE;
}

static void take_addresses(struct flow_key *key, const struct packet *packet)
{
    if (packet->family == FAMILY_IPV4) {
        key->words[2] = (uint64_t)be32_load(packet_src(packet)) << 32 |
                        be32_load(packet_dst(packet));
    } else {
        memcpy(&key->words[2], packet_src(packet), 2 * sizeof(key->words[2]));
        memcpy(&key->words[4], packet_dst(packet), 2 * sizeof(key->words[4]));
    }
}

void flow_key_take(struct flow_key *key, const struct packet *packet, const struct flow_mask *mask)
{
    key->words[0] = always_of(packet) | ip_of(packet);
    take_l4(key, packet);
    take_addresses(key, packet);
    for (size_t i = 0; i < flow_key_words(packet->family); i++)
        key->words[i] &= mask->words[i];
}
