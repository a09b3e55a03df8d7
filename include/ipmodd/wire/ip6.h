/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv6 header and extension header layout (RFC 8200 3, 4): offsets in bytes. */
#ifndef IPMODD_WIRE_IP6_H
#define IPMODD_WIRE_IP6_H

#include "ipmodd/wire/bytes.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    IP6_VERSION_CLASS = 0, /* 4 bits version, 8 bits traffic class, 20 bits flow label */
    IP6_PAYLOAD_LENGTH = 4,
    IP6_NEXT_HEADER = 6,
    IP6_HOP_LIMIT = 7,
    IP6_SRC = 8,
    IP6_DST = 24,
    IP6_HEADER = 40,
    IP6_FLOW_LABEL_MASK = 0xfffff, /* of the first 32 bits */
};

/* What every extension header but the fragment header begins with. */
enum {
    IP6_EXT_NEXT_HEADER = 0,
    IP6_EXT_LENGTH = 1, /* in units of 8 bytes, the first 8 not counted; AH: RFC 4302 2.2 */
    IP6_ROUTING_SEGMENTS_LEFT = 3,
};

/* RFC 8200 4.1 recommends an order with seven at most. */
enum { IP6_EXTENSION_HEADERS_MAX = 8 };

/* Options of hop-by-hop and destination options headers. */
enum {
    IP6_OPTION_PAD1 = 0,
    IP6_OPTION_HOME_ADDRESS = 201, /* RFC 6275 6.3; its value is an address */
    IP6_OPTIONS = 2,               /* where they begin in their header */
};

enum {
    IP6_FRAGMENT_NEXT_HEADER = 0,
    IP6_FRAGMENT_OFFSET = 2, /* 13 bits offset in units of 8 bytes, 2 reserved, 1 more fragments */
    IP6_FRAGMENT_ID = 4,
    IP6_FRAGMENT_HEADER = 8,
    IP6_FRAGMENT_MORE = 1,
    IP6_FRAGMENT_OFFSET_MASK = 0xfff8, /* what is left is the offset in bytes */
};

/* Whether a next header of KIND is one of those that are gone through to find the upper layer. */
static inline bool ip6_is_extension(uint8_t kind)
{
    return kind == IPPROTO_HOPOPTS || kind == IPPROTO_ROUTING || kind == IPPROTO_FRAGMENT ||
           kind == IPPROTO_DSTOPTS || kind == IPPROTO_AH;
}

/* Bytes of the extension header of KIND whose second byte is LENGTH (RFC 8200 4, RFC 4302 2.2). */
static inline size_t ip6_extension_size(uint8_t kind, uint8_t length)
{
    if (kind == IPPROTO_FRAGMENT)
        return IP6_FRAGMENT_HEADER;
    return kind == IPPROTO_AH ? ((size_t)length + 2) * 4 : ((size_t)length + 1) * 8;
}

static inline uint8_t ip6_traffic_class(const uint8_t *header)
{
    return (uint8_t)(be16_load(header + IP6_VERSION_CLASS) >> 4);
}

/* The first 16 bits of HEADER as they are with a traffic class of CLASS. */
static inline uint16_t ip6_first_word(const uint8_t *header, uint8_t class)
{
    unsigned kept = be16_load(header + IP6_VERSION_CLASS) & 0xf00fu;

    return (uint16_t)(kept | (unsigned)class << 4);
}

static inline void ip6_set_traffic_class(uint8_t *header, uint8_t class)
{
    be16_store(header + IP6_VERSION_CLASS, ip6_first_word(header, class));
}

#endif
