/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways out of the host, and the source address that belongs to each. */
#include "host_view_ways.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int host_view_set_sources(struct host_view *view, const struct host_source *sources, size_t count)
{
    struct host_source *copy = NULL;

    if (count > 0) {
        copy = calloc(count, sizeof(*copy));
        if (copy == NULL)
            return -ENOMEM;
        memcpy(copy, sources, count * sizeof(*copy));
    }
    free(view->sources);
    view->sources = copy;
    view->source_count = count;
    return 0;
}

static bool same_egress(const struct host_egress *a, const struct host_egress *b)
{
    return a->ifindex == b->ifindex && a->has_gateway == b->has_gateway &&
           (!a->has_gateway || memcmp(a->gateway, b->gateway, sizeof(a->gateway)) == 0);
}

/*
 * The number of EGRESS, which is new or known; 0 without memory. A table has many routes and few
 * places that they lead to; routes that follow each other mostly lead to one.
 */
static uint32_t number_of(struct host_view *view, const struct host_egress *egress)
{
    struct host_egress *grown;

    for (size_t i = view->egress_count; i > 0; i--) {
        if (same_egress(&view->egresses[i - 1], egress))
            return (uint32_t)i;
    }
    grown = reallocarray(view->egresses, view->egress_count + 1, sizeof(*grown));
    if (grown == NULL)
        return 0;
    grown[view->egress_count++] = *egress;
    view->egresses = grown;
    return (uint32_t)view->egress_count;
}

static void forget_routes(struct host_view *view)
{
    free(TAKE_PTR(view->egresses));
    view->egress_count = 0;
    route_spans_clear(&view->ways);
}

int host_view_set_routes(struct host_view *view, const struct host_route *routes, size_t count)
{
    struct route_value *values CLEANUP(cleanup_free) = calloc(count + 1, sizeof(*values));
    int r = 0;

    forget_routes(view);
    if (values == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count && r == 0; i++) {
        values[i] = (struct route_value){.prefix = routes[i].prefix, .metric = routes[i].metric};
        if (routes[i].egress.ifindex == 0)
            continue;
        values[i].value = number_of(view, &routes[i].egress);
        if (values[i].value == 0)
            r = -ENOMEM;
    }
    if (r == 0)
        r = route_spans_make(&view->ways, values, count);
    if (r < 0)
        forget_routes(view);
    return r;
}

static bool same_source(const struct host_source *a, const struct host_source *b)
{
    return ip_addr_equal(&a->addr, &b->addr) && ip_addr_equal(&a->subnet.addr, &b->subnet.addr) &&
           a->subnet.len == b->subnet.len && a->ifindex == b->ifindex &&
           a->deprecated == b->deprecated && a->temporary == b->temporary &&
           a->wants_temporary == b->wants_temporary;
}

bool host_view_same_ways(const struct host_view *a, const struct host_view *b)
{
    if (a->source_count != b->source_count || a->egress_count != b->egress_count)
        return false;
    for (size_t i = 0; i < a->source_count; i++) {
        if (!same_source(&a->sources[i], &b->sources[i]))
            return false;
    }
    for (size_t i = 0; i < a->egress_count; i++) {
        if (!same_egress(&a->egresses[i], &b->egresses[i]))
            return false;
    }
    return route_spans_equal(&a->ways, &b->ways);
}

/*
 * The first primary address of the device in whose subnet the next hop is; else the device's
 * first; else the first of any device.
 */
static const struct host_source *source4_best(const struct host_view *view,
                                              const struct host_egress *egress,
                                              const uint8_t *dst_wire)
{
    const uint8_t *next_hop = egress->has_gateway ? egress->gateway : dst_wire;
    const struct host_source *of_device = NULL, *of_any = NULL;

    for (size_t i = 0; i < view->source_count; i++) {
        const struct host_source *source = &view->sources[i];

        if (source->addr.family != FAMILY_IPV4)
            continue;
        if (of_any == NULL)
            of_any = source;
        if (source->ifindex != egress->ifindex)
            continue;
        if (ip_prefix_covers_bytes(&source->subnet, next_hop))
            return source;
        if (of_device == NULL)
            of_device = source;
    }
    return of_device != NULL ? of_device : of_any;
}

bool host_view_source(const struct host_view *view, enum ip_family family, const uint8_t *bytes,
                      struct ip_addr *ret_addr)
{
    uint32_t way = route_spans_find(&view->ways, family, bytes);
    const struct host_egress *egress;
    const struct host_source *source;

    if (host_view_is_local(view, family, bytes)) {
        *ret_addr = ip_addr_from_bytes(family, bytes);
        return true;
    }
    if (way == 0)
        return false;
    egress = &view->egresses[way - 1];
    source = family == FAMILY_IPV4 ? source4_best(view, egress, bytes)
                                   : source6_best(view, egress->ifindex, bytes);
    if (source == NULL)
        return false;
    *ret_addr = source->addr;
    return true;
}
