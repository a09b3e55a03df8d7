/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the IP packet behind link-layer headers. */
#include "link.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/wire/cursor.h"

#include <assert.h>
#include <string.h>

enum { MAC_SIZE = 6 };

enum {
    ETHERTYPE_IP4 = 0x0800,
    ETHERTYPE_IP6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100,         /* 802.1Q */
    ETHERTYPE_SERVICE_VLAN = 0x88a8, /* 802.1ad */
    ETHERTYPE_OLD_QINQ = 0x9100,     /* before 802.1ad had a number */
};

/* Linux cooked headers, as libpcap's documentation lays them out. */
enum {
    SLL_PACKET_TYPE = 0,
    SLL_ADDRESS_LENGTH = 4,
    SLL_ADDRESS = 6,
    SLL_HEADER_BEFORE_TYPE = 14,
    SLL2_REST = 18, /* behind the ethertype */
    SLL2_PACKET_TYPE = 10,
    SLL2_ADDRESS_LENGTH = 11,
    SLL2_ADDRESS = 12,
    SLL_ADDRESS_SIZE = 8,
    SLL_TO_HOST = 0,
    SLL_FROM_HOST = 4,
};

static const char *const type_names[] = {
    [LINK_RAW] = "raw IP",           [LINK_ETHERNET] = "Ethernet", [LINK_SLL] = "Linux cooked v1",
    [LINK_SLL2] = "Linux cooked v2", [LINK_NULL] = "BSD loopback", [LINK_LOOP] = "OpenBSD loopback",
};
static_assert(ARRAY_SIZE(type_names) == LINK_TYPE_COUNT, "a name for each link type");

const char *link_type_name(enum link_type type)
{
    return type_names[type];
}

static bool is_tag(uint16_t ethertype)
{
    return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_SERVICE_VLAN ||
           ethertype == ETHERTYPE_OLD_QINQ;
}

/* Behind an ethertype: over the tags that it announces, to what the last of them does. */
static bool is_ip_behind_tags(struct cursor *cursor, uint16_t ethertype)
{
    while (is_tag(ethertype)) {
        cursor_skip(cursor, sizeof(uint16_t));
        ethertype = cursor_be16(cursor);
    }
    return ethertype == ETHERTYPE_IP4 || ethertype == ETHERTYPE_IP6;
}

/*
 * AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 24, 26, 28 and 30 on others. What the high half
 * would be tells the byte order.
 */
static bool is_ip_family(uint32_t family)
{
    static const uint32_t families[] = {2, 10, 24, 26, 28, 30};

    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        if (family == families[i])
            return true;
    }
    return false;
}

static bool is_ip_family_in_any_order(const uint8_t *field)
{
    return is_ip_family(be32_load(field)) || is_ip_family(le32_load(field));
}

static bool find_behind_ethernet(struct cursor *cursor)
{
    cursor_skip(cursor, 2 * MAC_SIZE);
    return is_ip_behind_tags(cursor, cursor_be16(cursor));
}

static bool find_behind_sll(struct cursor *cursor)
{
    cursor_skip(cursor, SLL_HEADER_BEFORE_TYPE);
    return is_ip_behind_tags(cursor, cursor_be16(cursor));
}

static bool find_behind_sll2(struct cursor *cursor)
{
    uint16_t ethertype = cursor_be16(cursor);

    cursor_skip(cursor, SLL2_REST);
    return is_ip_behind_tags(cursor, ethertype);
}

static bool find_behind_family(struct cursor *cursor, bool (*is_ip)(const uint8_t *field))
{
    const uint8_t *field = cursor_take(cursor, sizeof(uint32_t));

    return field != NULL && is_ip(field);
}

static bool is_ip_family_be(const uint8_t *field)
{
    return is_ip_family(be32_load(field));
}

static bool find(enum link_type type, struct cursor *cursor)
{
    switch (type) {
    case LINK_RAW:
        return true;
    case LINK_ETHERNET:
        return find_behind_ethernet(cursor);
    case LINK_SLL:
        return find_behind_sll(cursor);
    case LINK_SLL2:
        return find_behind_sll2(cursor);
    case LINK_NULL:
        return find_behind_family(cursor, is_ip_family_in_any_order);
    case LINK_LOOP:
        return find_behind_family(cursor, is_ip_family_be);
    case LINK_TYPE_COUNT:
        break;
    }
    return false;
}

bool link_find_ip(enum link_type type, const uint8_t *frame, size_t length, size_t *ret_offset)
{
    struct cursor cursor = cursor_over(frame, length);

    if (!find(type, &cursor) || cursor.failed)
        return false;
    *ret_offset = cursor.at;
    return true;
}

static void swap_addresses(uint8_t *frame)
{
    uint8_t destination[MAC_SIZE];

    memcpy(destination, frame, MAC_SIZE);
    memcpy(frame, frame + MAC_SIZE, MAC_SIZE);
    memcpy(frame + MAC_SIZE, destination, MAC_SIZE);
}

static uint8_t turned_packet_type(uint8_t type)
{
    return type == SLL_FROM_HOST ? SLL_TO_HOST : SLL_FROM_HOST;
}

void link_turn_round(enum link_type type, uint8_t *frame)
{
    if (type == LINK_ETHERNET) {
        swap_addresses(frame);
    } else if (type == LINK_SLL) {
        be16_store(frame + SLL_PACKET_TYPE, turned_packet_type(frame[SLL_PACKET_TYPE + 1]));
        be16_store(frame + SLL_ADDRESS_LENGTH, 0);
        memset(frame + SLL_ADDRESS, 0, SLL_ADDRESS_SIZE);
    } else if (type == LINK_SLL2) {
        frame[SLL2_PACKET_TYPE] = turned_packet_type(frame[SLL2_PACKET_TYPE]);
        frame[SLL2_ADDRESS_LENGTH] = 0;
        memset(frame + SLL2_ADDRESS, 0, SLL_ADDRESS_SIZE);
    }
}
