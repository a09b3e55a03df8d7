/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 header layout (RFC 791 3.1): offsets in bytes from its first byte. */
#ifndef IPMODD_WIRE_IP4_H
#define IPMODD_WIRE_IP4_H

#include "ipmodd/wire/bytes.h"

#include <stddef.h>

enum {
    IP4_VERSION_IHL = 0,
    IP4_TOS = 1,
    IP4_TOTAL_LENGTH = 2,
    IP4_ID = 4,
    IP4_FRAGMENT = 6, /* flags and offset */
    IP4_TTL = 8,
    IP4_PROTO = 9,
    IP4_CHECKSUM = 10,
    IP4_SRC = 12,
    IP4_DST = 16,
    IP4_HEADER_MIN = 20,
};

/* Bits of the 16-bit fragment field. */
enum {
    IP4_DF = 0x4000,
    IP4_MF = 0x2000,
    IP4_OFFSET_MASK = 0x1fff, /* in units of 8 bytes */
};

/* Option types (IANA, copied flag included). */
enum {
    IP4_OPTION_LSRR = 131,
    IP4_OPTION_SSRR = 137,
};

/* IHL in bytes. */
static inline size_t ip4_header_length(const uint8_t *header)
{
    return (size_t)(header[IP4_VERSION_IHL] & 0xf) * 4;
}

static inline size_t ip4_fragment_offset(const uint8_t *header)
{
    return (size_t)(be16_load(header + IP4_FRAGMENT) & IP4_OFFSET_MASK) * 8;
}

#endif
