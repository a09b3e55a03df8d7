/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Option lists. Those of IPv4 and TCP have one form (RFC 791 3.1, RFC 9293 3.2): kind 0 ends
 * the list, kind 1 is a single byte, every other kind is followed by its length, those two bytes
 * included.
 */
#ifndef IPMODD_WIRE_OPTION_H
#define IPMODD_WIRE_OPTION_H

#include "ipmodd/wire/cursor.h"

enum {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_HEADER = 2, /* bytes: kind and length */
};

struct option {
    uint8_t kind;
    const uint8_t *value;
    size_t length; /* of the value */
};

/*
 * The next option that has a value. False at the end of the list; with OPTIONS failed when an
 * option's length is below 2 or beyond the list.
 */
bool option_next(struct cursor *options, struct option *ret_option);

/*
 * Whether an option of TYPE whose value has LENGTH bytes is among OPTIONS of an IPv6 header, which
 * have a form of their own (RFC 8200 4.2): type 0 is a single byte, every other type is followed by
 * the length of its value. A list that is wrong is read up to there.
 */
bool ip6_option_find(struct cursor options, uint8_t type, size_t length);

#endif
