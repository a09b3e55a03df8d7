/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bytes of a packet the fields are. */
#include "flow_key.h"

#include "ipmodd/base/macro.h"

static_assert((int)IP4_TTL - (int)IP4_TOS < 8 && (int)IP6_HOP_LIMIT - (int)IP6_VERSION_CLASS < 8,
              "one word has all that counts of an IP header");

static bool has(field_set fields, enum field field)
{
    return (fields & FIELD_BIT(field)) != 0;
}

/* A byte of which the bits of MASK count if FIELD is among FIELDS. */
static void count_bits(uint8_t *byte, unsigned mask, field_set fields, enum field field)
{
    *byte = (uint8_t)(*byte | (has(fields, field) ? mask : 0));
}

/* All of COUNT bytes. */
static void count_bytes(uint8_t *bytes, size_t count, field_set fields, enum field field)
{
    for (size_t i = 0; i < count; i++)
        count_bits(&bytes[i], UINT8_MAX, fields, field);
}

/* From the type of service on. */
static void count_ip4(uint8_t *bytes, field_set fields)
{
    count_bits(&bytes[0], 0xfc, fields, FIELD_DSCP);
    count_bits(&bytes[0], 0x03, fields, FIELD_ECN);
    count_bits(&bytes[IP4_FRAGMENT - IP4_TOS], IP4_DF >> 8, fields, FIELD_DF);
    count_bits(&bytes[IP4_TTL - IP4_TOS], UINT8_MAX, fields, FIELD_TTL);
}

/* From the start; the traffic class is in two bytes. */
static void count_ip6(uint8_t *bytes, field_set fields)
{
    count_bits(&bytes[0], 0x0f, fields, FIELD_DSCP);
    count_bits(&bytes[1], 0xc0, fields, FIELD_DSCP);
    count_bits(&bytes[1], 0x30, fields, FIELD_ECN);
    count_bits(&bytes[IP6_HOP_LIMIT], UINT8_MAX, fields, FIELD_TTL);
}

struct flow_mask flow_mask_of(field_set fields, enum ip_family family)
{
    struct flow_mask mask = {
        .tcp_flags = has(fields, FIELD_TCP_FLAGS) ? UINT8_MAX : 0,
        .direction = has(fields, FIELD_DIRECTION) ? UINT8_MAX : 0,
    };
    uint8_t *ports = (uint8_t *)&mask.ports, *icmp = (uint8_t *)&mask.icmp;
    uint8_t *addresses = (uint8_t *)&mask.addresses;
    size_t size = IP_ADDR_BYTES(family);

    if (family == FAMILY_IPV4)
        count_ip4((uint8_t *)&mask.ip, fields);
    else
        count_ip6((uint8_t *)&mask.ip, fields);
    count_bytes(ports + UDP_SPORT, sizeof(uint16_t), fields, FIELD_SPORT);
    count_bytes(ports + UDP_DPORT, sizeof(uint16_t), fields, FIELD_DPORT);
    count_bytes(icmp + ICMP_MSG_TYPE, 1, fields, FIELD_ICMP_TYPE);
    count_bytes(icmp + ICMP_MSG_CODE, 1, fields, FIELD_ICMP_CODE);
    count_bytes(addresses, size, fields, FIELD_SRC);
    count_bytes(addresses + size, size, fields, FIELD_DST);
    return mask;
}
