/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Longest prefix match over a routing table that does not change: a number for every address.
 *
 * Nested prefixes are laid flat into spans of addresses, sorted by where they begin; neighbours
 * with one number are one span, so a table of a million routes over three gateways is mostly few
 * spans. A look-up is a binary search. The number 0 means "no route".
 */
#ifndef IPMODD_BASE_ROUTE_SPAN_H
#define IPMODD_BASE_ROUTE_SPAN_H

#include "ipmodd/base/addr.h"

/* A route and what is to be found for the addresses that it is the best one for. */
struct route_value {
    struct ip_prefix prefix;
    uint32_t metric; /* of two routes with one prefix the lower one counts */
    uint32_t value;
};

/* From FIRST up to the next span's first address, or the end of the family. */
struct route_span {
    struct ip_addr first;
    uint32_t value;
};

struct route_spans {
    struct route_span *items; /* owned; sorted, neighbours differ */
    size_t count;
};

/* Total order: family first, then bytes. Negative, 0 or positive. */
int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b);

/* SPANS (zeroed or made before) from COUNT routes, which are sorted in place. 0 or -ENOMEM (then
 * it is empty). */
int route_spans_make(struct route_spans *spans, struct route_value *routes, size_t count);

/* 0 or -ENOMEM (then SPANS is as it was). */
int route_spans_copy(struct route_spans *spans, const struct route_spans *from);
void route_spans_clear(struct route_spans *spans);

/* The value for BYTES, an address of FAMILY in wire order; 0 without a route. */
uint32_t route_spans_find(const struct route_spans *spans, enum ip_family family,
                          const uint8_t *bytes);
bool route_spans_equal(const struct route_spans *a, const struct route_spans *b);

#endif
