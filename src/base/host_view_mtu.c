/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The largest packet that the way to an address takes: nested prefixes laid flat, binary search. */
#include "ipmodd/base/host_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Enclosing prefixes first; of two routes to one prefix the preferred one last. */
static int compare_routes(const void *a, const void *b)
{
    const struct path_mtu *one = a, *other = b;
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
    struct host_view *view;
    const struct path_mtu **open;
    size_t depth;
};

/* From FIRST on the MTU is that of the innermost open prefix. */
static void begin_span(struct sweep *sweep, const struct ip_addr *first)
{
    struct host_view *view = sweep->view;
    uint32_t mtu = sweep->depth > 0 ? sweep->open[sweep->depth - 1]->mtu : 0;
    struct mtu_span *last = view->mtu_count > 0 ? &view->mtus[view->mtu_count - 1] : NULL;

    if (last != NULL && ip_addr_equal(&last->first, first))
        view->mtu_count--; /* a longer prefix begins at the same address */
    last = view->mtu_count > 0 ? &view->mtus[view->mtu_count - 1] : NULL;
    if (last != NULL && last->mtu == mtu && last->first.family == first->family)
        return;
    view->mtus[view->mtu_count++] = (struct mtu_span){.first = *first, .mtu = mtu};
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

int host_view_set_path_mtus(struct host_view *view, struct path_mtu *routes, size_t count)
{
    struct sweep sweep = {.view = view};

    free(view->mtus);
    view->mtus = NULL;
    view->mtu_count = 0;
    if (count == 0)
        return 0;
    /* Each prefix begins one span and lets one go on behind it. */
    view->mtus = calloc(2 * count, sizeof(*view->mtus));
    sweep.open = calloc(count, sizeof(const struct path_mtu *));
    if (view->mtus == NULL || sweep.open == NULL) {
        free(sweep.open);
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

int host_view_copy_path_mtus(struct host_view *view, const struct host_view *from)
{
    struct mtu_span *copy = NULL;

    if (from->mtu_count > 0) {
        copy = calloc(from->mtu_count, sizeof(*copy));
        if (copy == NULL)
            return -ENOMEM;
        memcpy(copy, from->mtus, from->mtu_count * sizeof(*copy));
    }
    free(view->mtus);
    view->mtus = copy;
    view->mtu_count = from->mtu_count;
    return 0;
}

uint32_t host_view_path_mtu(const struct host_view *view, enum ip_family family,
                            const uint8_t *bytes)
{
    const struct ip_addr wanted = ip_addr_from_bytes(family, bytes);
    size_t low = 0, high = view->mtu_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ip_addr_compare(&view->mtus[middle].first, &wanted) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || view->mtus[low - 1].first.family != family)
        return 0;
    return view->mtus[low - 1].mtu;
}
