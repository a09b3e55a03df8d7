/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Longest prefix match: nested prefixes laid flat, binary search. */
#include "ipmodd/base/route_span.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Enclosing prefixes first; of two routes to one prefix the preferred one last. */
static int compare_routes(const void *a, const void *b)
{
    const struct route_value *one = a, *other = b;
    int order = ip_addr_compare(&one->prefix.addr, &other->prefix.addr);

    if (order != 0)
        return order;
    if (one->prefix.len != other->prefix.len)
        return one->prefix.len < other->prefix.len ? -1 : 1;
    return (one->metric < other->metric) - (one->metric > other->metric);
}

static struct ip_addr last_address(const struct ip_prefix *prefix)
{
    struct ip_addr last = prefix->addr;

    for (unsigned bit = prefix->len; bit < IP_ADDR_BITS(last.family); bit++)
        last.bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
    return last;
}

/* The address behind ADDR; false behind the last one of the family. */
static bool next_address(struct ip_addr *addr)
{
    for (size_t i = IP_ADDR_BYTES(addr->family); i > 0; i--) {
        if (++addr->bytes[i - 1] != 0)
            return true;
    }
    return false;
}

/* The prefixes that enclose the place of the sweep, innermost last: at most one a bit and metric.
 */
struct sweep {
    struct route_spans *spans;
    const struct route_value **open;
    size_t depth;
};

/* From FIRST on the value is that of the innermost open prefix. */
static void begin_span(struct sweep *sweep, const struct ip_addr *first)
{
    struct route_spans *spans = sweep->spans;
    uint32_t value = sweep->depth > 0 ? sweep->open[sweep->depth - 1]->value : 0;
    struct route_span *last = spans->count > 0 ? &spans->items[spans->count - 1] : NULL;

    if (last != NULL && ip_addr_equal(&last->first, first))
        spans->count--; /* a longer prefix begins at the same address */
    last = spans->count > 0 ? &spans->items[spans->count - 1] : NULL;
    if (last != NULL && last->value == value && last->first.family == first->family)
        return;
    spans->items[spans->count++] = (struct route_span){.first = *first, .value = value};
}

/* Closes what ends in front of PLACE; everything with NULL. */
static void close_until(struct sweep *sweep, const struct ip_addr *place)
{
    while (sweep->depth > 0) {
        struct ip_addr behind = last_address(&sweep->open[sweep->depth - 1]->prefix);

        if (place != NULL && ip_addr_compare(&behind, place) >= 0)
            return;
        sweep->depth--;
        if (next_address(&behind))
            begin_span(sweep, &behind);
    }
}

int route_spans_make(struct route_spans *spans, struct route_value *routes, size_t count)
{
    struct sweep sweep = {.spans = spans};

    route_spans_clear(spans);
    if (count == 0)
        return 0;
    /* Each prefix begins one span and lets one go on behind it. */
    spans->items = calloc(2 * count, sizeof(*spans->items));
    sweep.open = calloc(count, sizeof(const struct route_value *));
    if (spans->items == NULL || sweep.open == NULL) {
        free(sweep.open);
        route_spans_clear(spans);
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++)
        routes[i].prefix = ip_prefix_network(&routes[i].prefix);
    qsort(routes, count, sizeof(*routes), compare_routes);
    for (size_t i = 0; i < count; i++) {
        close_until(&sweep, &routes[i].prefix.addr);
        sweep.open[sweep.depth++] = &routes[i];
        begin_span(&sweep, &routes[i].prefix.addr);
    }
    close_until(&sweep, NULL);
    free(sweep.open);
    return 0;
}

int route_spans_copy(struct route_spans *spans, const struct route_spans *from)
{
    struct route_span *copy = NULL;

    if (from->count > 0) {
        copy = calloc(from->count, sizeof(*copy));
        if (copy == NULL)
            return -ENOMEM;
        memcpy(copy, from->items, from->count * sizeof(*copy));
    }
    route_spans_clear(spans);
    *spans = (struct route_spans){.items = copy, .count = from->count};
    return 0;
}

void route_spans_clear(struct route_spans *spans)
{
    free(spans->items);
    *spans = (struct route_spans){.items = NULL};
}

uint32_t route_spans_find(const struct route_spans *spans, enum ip_family family,
                          const uint8_t *bytes)
{
    const struct ip_addr wanted = ip_addr_from_bytes(family, bytes);
    size_t low = 0, high = spans->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ip_addr_compare(&spans->items[middle].first, &wanted) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || spans->items[low - 1].first.family != family)
        return 0;
    return spans->items[low - 1].value;
}

bool route_spans_equal(const struct route_spans *a, const struct route_spans *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!ip_addr_equal(&a->items[i].first, &b->items[i].first) ||
            a->items[i].value != b->items[i].value)
            return false;
    }
    return true;
}
