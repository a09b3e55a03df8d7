/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet in words while it is read: first its protocol and ends (packet_text.c), then what else
 * is said of it, a word and its value at a time (packet_words.c). All functions return 0, or
 * -EINVAL with the error filled.
 */
#ifndef IPMODD_CTL_PACKET_READING_H
#define IPMODD_CTL_PACKET_READING_H

#include "ipmodd/datapath/value.h"
#include "packet_form.h"

#include <stdint.h>

enum { PACKET_WORD_MAX = 128 };

/* A text being read into a form. */
struct packet_reading {
    const char *at;
    struct packet_form form;
    uint8_t *payload; /* memory for it: PACKET_TEXT_MAX bytes */
    unsigned seen;    /* a bit for each word of the table */
    struct value_error *error;
};

void packet_reading_skip_blanks(struct packet_reading *reading);
/* The next word; "" at the end. An error is one that is none for sure. */
int packet_reading_take_word(struct packet_reading *reading, char word[static PACKET_WORD_MAX]);
int packet_reading_take_number(struct packet_reading *reading, const struct value_domain *domain,
                               uint32_t *ret);
/* All words and values up to the end; protocol and ends are in the form already. */
int packet_reading_take_words(struct packet_reading *reading);

#endif
