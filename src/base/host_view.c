/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorted arrays and binary search: what the packet path asks about addresses. */
#include "ipmodd/base/host_view.h"

#include "host_view_ways.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->bytes, b->bytes, IP_ADDR_BYTES(a->family));
}

static const uint8_t loopback6[16] = {[15] = 1};

/* An address of FAMILY like that at BYTES is ours. */
static void note_end(struct host_view *view, enum ip_family family, const uint8_t *bytes)
{
    uint8_t end = bytes[IP_ADDR_BYTES(family) - 1];

    view->local_ends[end / 64] |= UINT64_C(1) << end % 64;
}

static int compare_for_sort(const void *a, const void *b)
{
    return ip_addr_compare(a, b);
}

/* A sorted copy without duplicates; 0 or -1 without memory. */
static int copy_sorted(const struct ip_addr *addrs, size_t count, struct ip_addr **ret_addrs,
                       size_t *ret_count)
{
    struct ip_addr *copy;
    size_t kept = 0;

    if (count == 0)
        return 0;
    copy = calloc(count, sizeof(*copy));
    if (copy == NULL)
        return -1;
    memcpy(copy, addrs, count * sizeof(*copy));
    qsort(copy, count, sizeof(*copy), compare_for_sort);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !ip_addr_equal(&copy[kept - 1], &copy[i]))
            copy[kept++] = copy[i];
    }
    *ret_addrs = copy;
    *ret_count = kept;
    return 0;
}

/* 0 or -1 without memory. */
static int copy_prefixes(const struct ip_prefix *prefixes, size_t count,
                         struct ip_prefix **ret_prefixes, size_t *ret_count)
{
    struct ip_prefix *copy;

    if (count == 0)
        return 0;
    copy = calloc(count, sizeof(*copy));
    if (copy == NULL)
        return -1;
    memcpy(copy, prefixes, count * sizeof(*copy));
    *ret_prefixes = copy;
    *ret_count = count;
    return 0;
}

static void note_ends(struct host_view *view)
{
    note_end(view, FAMILY_IPV6, loopback6);
    for (size_t i = 0; i < view->local_count; i++)
        note_end(view, view->locals[i].family, view->locals[i].bytes);
}

struct host_view *host_view_new(const struct ip_addr *locals, size_t local_count,
                                const struct ip_addr *broadcasts, size_t broadcast_count,
                                const struct ip_prefix *tun_prefixes, size_t tun_prefix_count)
{
    struct host_view *view = calloc(1, sizeof(*view));

    if (view == NULL)
        return NULL;
    if (copy_sorted(locals, local_count, &view->locals, &view->local_count) < 0)
        goto no_memory;
    note_ends(view);
    if (copy_sorted(broadcasts, broadcast_count, &view->broadcasts, &view->broadcast_count) < 0)
        goto no_memory;
    if (copy_prefixes(tun_prefixes, tun_prefix_count, &view->tun_prefixes,
                      &view->tun_prefix_count) < 0)
        goto no_memory;
    return view;

no_memory:
    host_view_free(view);
    return NULL;
}

struct host_view *host_view_ref(const struct host_view *view)
{
    struct host_view *shared = (struct host_view *)view; /* all but the count is immutable */

    shared->sharers++;
    return shared;
}

void host_view_free(struct host_view *view)
{
    if (view == NULL || view->sharers-- > 0)
        return;
    free(view->locals);
    free(view->local_prefixes);
    free(view->broadcasts);
    free(view->tun_prefixes);
    free(view->loops);
    route_spans_clear(&view->mtus);
    free(view->sources);
    free(view->egresses);
    route_spans_clear(&view->ways);
    free(view);
}

static bool comes_before(const struct ip_addr *addr, enum ip_family family, address_number number)
{
    if (addr->family != family)
        return addr->family < family;
    return address_number_of(family, addr->bytes) < number;
}

static bool contains(const struct ip_addr *addrs, size_t count, enum ip_family family,
                     const uint8_t *bytes)
{
    const address_number wanted = address_number_of(family, bytes);
    size_t from = 0, left = count;

    while (left > 0) {
        size_t half = left / 2;

        if (comes_before(&addrs[from + half], family, wanted)) {
            from += half + 1;
            left -= half + 1;
        } else {
            left = half;
        }
    }
    return from < count && addrs[from].family == family &&
           address_number_of(family, addrs[from].bytes) == wanted;
}

bool host_view_has_local(const struct host_view *view, enum ip_family family, const uint8_t *bytes)
{
    if (family == FAMILY_IPV4 ? bytes[0] == IP4_LOOPBACK_NET : memcmp(bytes, loopback6, 16) == 0)
        return true;
    return contains(view->locals, view->local_count, family, bytes) ||
           ip_prefixes_cover(view->local_prefixes, view->local_prefix_count, family, bytes);
}

bool host_view_is_broadcast(const struct host_view *view, enum ip_family family,
                            const uint8_t *bytes)
{
    return contains(view->broadcasts, view->broadcast_count, family, bytes);
}

int host_view_set_local_prefixes(struct host_view *view, const struct ip_prefix *prefixes,
                                 size_t count)
{
    if (copy_prefixes(prefixes, count, &view->local_prefixes, &view->local_prefix_count) < 0)
        return -ENOMEM;
    if (count > 0)
        memset(view->local_ends, 0xff, sizeof(view->local_ends));
    return 0;
}

int host_view_set_loops(struct host_view *view, const struct ip_prefix *loops, size_t count)
{
    return copy_prefixes(loops, count, &view->loops, &view->loop_count) < 0 ? -ENOMEM : 0;
}

int host_view_set_path_mtus(struct host_view *view, struct route_value *routes, size_t count)
{
    return route_spans_make(&view->mtus, routes, count);
}

int host_view_copy_path_mtus(struct host_view *view, const struct host_view *from)
{
    return route_spans_copy(&view->mtus, &from->mtus);
}

uint32_t host_view_path_mtu(const struct host_view *view, enum ip_family family,
                            const uint8_t *bytes)
{
    return route_spans_find(&view->mtus, family, bytes);
}

static bool same_addrs(const struct ip_addr *a, size_t a_count, const struct ip_addr *b,
                       size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++) {
        if (!ip_addr_equal(&a[i], &b[i]))
            return false;
    }
    return true;
}

static bool same_prefixes(const struct ip_prefix *a, size_t a_count, const struct ip_prefix *b,
                          size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++) {
        if (!ip_addr_equal(&a[i].addr, &b[i].addr) || a[i].len != b[i].len)
            return false;
    }
    return true;
}

bool host_view_equal(const struct host_view *a, const struct host_view *b)
{
    return same_addrs(a->locals, a->local_count, b->locals, b->local_count) &&
           same_addrs(a->broadcasts, a->broadcast_count, b->broadcasts, b->broadcast_count) &&
           same_prefixes(a->local_prefixes, a->local_prefix_count, b->local_prefixes,
                         b->local_prefix_count) &&
           same_prefixes(a->tun_prefixes, a->tun_prefix_count, b->tun_prefixes,
                         b->tun_prefix_count) &&
           same_prefixes(a->loops, a->loop_count, b->loops, b->loop_count) &&
           route_spans_equal(&a->mtus, &b->mtus) && host_view_same_ways(a, b) &&
           a->inbound == b->inbound;
}
