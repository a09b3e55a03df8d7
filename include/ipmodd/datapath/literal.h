/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes of payload as rules write them, and where they stand: `"text" @ 4`, `0x16030100`. */
#ifndef IPMODD_DATAPATH_LITERAL_H
#define IPMODD_DATAPATH_LITERAL_H

#include "ipmodd/datapath/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    LITERAL_BYTES_MAX = 1024,
    LITERAL_OFFSET_MAX = 65535,
    LITERAL_ANYWHERE = -1,
};

/* What is said of a value whose text does not end; takes the value. */
#define LITERAL_OPEN                                                                         \
    "'%.40s' has no \" at its end: in a text, too, a blank and ; begin a comment, so write " \
    "\\x3b for ;"

struct literal {
    size_t length; /* at least 1 */
    uint8_t bytes[LITERAL_BYTES_MAX];
};

/*
 * The literal at *TEXT, which is moved behind it; blanks on either side are skipped. 0 or -EINVAL.
 */
int literal_read(const char **text, struct literal *ret_literal);

/* `@ OFFSET` at *TEXT, likewise; LITERAL_ANYWHERE and true without one. False when it is wrong. */
bool literal_read_offset(const char **text, int32_t *ret_offset);

/*
 * Says why TEXT, a value with literals, is refused: what it should be is BEFORE, the form of a
 * literal and BEHIND. -EINVAL with ERROR filled.
 */
int literal_refuse(const char *text, const char *before, const char *behind,
                   struct value_error *error);

/* In the form that they are read in: hexadecimal; nothing for LITERAL_ANYWHERE. */
void literal_print(const struct literal *literal, FILE *out);
void literal_print_offset(int32_t offset, FILE *out);

#endif
