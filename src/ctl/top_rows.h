/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of `ipmodctl top`: rules, flows or drops with what they count, how fast, and in which order.
 *
 * A table is made from documents of the daemon and knows nothing of a screen. Rates come from the
 * table before: a row goes on from the one there with the same key.
 */
#ifndef IPMODD_CTL_TOP_ROWS_H
#define IPMODD_CTL_TOP_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct top_row {
    char *key; /* one a table; also what is shown */
    double packets, bytes;
    double packet_rate, bit_rate; /* a second; 0 without a table before */
    size_t order;                 /* as the daemon has it */
};

struct top_table {
    struct top_row *rows;
    size_t count;
    bool has_bytes;
    bool out_of_memory; /* rows are missing */
};

enum top_order {
    TOP_BY_PACKET_RATE,
    TOP_BY_BIT_RATE,
    TOP_BY_TOTAL,
    TOP_BY_NAME,
    TOP_AS_IT_IS,
    TOP_ORDER_COUNT,
};

/* "packets/s", … */
const char *top_order_name(enum top_order order);

/* Add what the documents `rules`, a part of `flows`, and `status` have to an empty table. */
void top_table_add_rules(struct top_table *table, const json_t *document);
void top_table_add_flows(struct top_table *table, const json_t *document);
void top_table_add_drops(struct top_table *table, const json_t *document);

/* Rates from BEFORE, SECONDS ago, which is sorted by name for it. */
void top_table_compare(struct top_table *table, struct top_table *before, double seconds);

void top_table_sort(struct top_table *table, enum top_order order);

/* Frees and empties; safe on a zeroed one. */
void top_table_clear(struct top_table *table);

#endif
