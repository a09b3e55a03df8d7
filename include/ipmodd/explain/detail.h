/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Details: what can be said of a packet, one by one, under the names that rules have for them.
 *
 * Values are written as rules write them (`dscp` is `ef`, `tcp-flags` is `syn+ack`), so that what
 * an explanation says can be put into a rule. Only packets that parse.c accepted have details.
 */
#ifndef IPMODD_EXPLAIN_DETAIL_H
#define IPMODD_EXPLAIN_DETAIL_H

#include "ipmodd/datapath/packet.h"

#include <stdio.h>

struct detail {
    const char *name;

    /* Writes the value; false, and nothing written, for a packet that has none. */
    bool (*print)(const struct packet *packet, FILE *out);
};

/* In the order of the headers. */
extern const struct detail details[];
extern const size_t detail_count;

/* The value as text, which the caller frees; NULL without one, or without memory. */
char *detail_text(const struct detail *detail, const struct packet *packet);

/*
 * What a match with KEY is held against: a detail, or both of a pair (`host`, `port`), as text that
 * the caller frees. NULL when the packet has nothing of the kind, or when it is not of the packet
 * (`probability`, `time`).
 */
char *detail_of_match(const char *key, const struct packet *packet);

/*
 * "tcp 192.0.2.1:1234 > 198.51.100.2:80 flags syn ttl 64 length 60": a packet in one line, in the
 * words that `ipmodctl trace` takes.
 */
void detail_print_line(const struct packet *packet, FILE *out);

#endif
