/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main table: read once, then followed by its route messages. */
#include "ipmodd/base/macro.h"
#include "kernel/snapshot.h"

#include <errno.h>
#include <stdlib.h>

/* Three times the Internet's table of today: a bound for what a routing peer can make us allocate.
 */
enum { MAIN_ROUTES_MAX = 4000000 };

struct main_reader {
    struct snapshot *snapshot;
    enum ip_family family;
};

void snapshot_clear_main(struct snapshot *snapshot)
{
    route_set_clear(&snapshot->main);
    free(snapshot->uses);
    snapshot->uses = NULL;
    snapshot->use_count = 0;
    snapshot->nexthop_route_count = 0;
}

/* The entry of IFINDEX, made if there is none; NULL without memory. */
static struct device_use *use_of(struct snapshot *snapshot, uint32_t ifindex)
{
    struct device_use *uses;

    for (size_t i = 0; i < snapshot->use_count; i++) {
        if (snapshot->uses[i].ifindex == ifindex)
            return &snapshot->uses[i];
    }
    uses = reallocarray(snapshot->uses, snapshot->use_count + 1, sizeof(*uses));
    if (uses == NULL)
        return NULL;
    snapshot->uses = uses;
    uses[snapshot->use_count] = (struct device_use){.ifindex = ifindex};
    return &uses[snapshot->use_count++];
}

bool snapshot_device_used(const struct snapshot *snapshot, uint32_t ifindex)
{
    for (size_t i = 0; i < snapshot->use_count; i++) {
        if (snapshot->uses[i].ifindex == ifindex)
            return snapshot->uses[i].routes > 0;
    }
    return false;
}

static int uses_add(struct snapshot *snapshot, const struct route *route, bool *ret_changed)
{
    if (route->nexthop_id != 0)
        snapshot->nexthop_route_count++;
    for (uint32_t i = 0; i < route->hop_count; i++) {
        struct device_use *use = use_of(snapshot, route->hops[i].ifindex);

        if (use == NULL)
            return -ENOMEM;
        if (use->routes++ == 0)
            *ret_changed = true;
    }
    return 0;
}

static void uses_remove(struct snapshot *snapshot, const struct route *route, bool *ret_changed)
{
    if (route->nexthop_id != 0)
        snapshot->nexthop_route_count--;
    for (uint32_t i = 0; i < route->hop_count; i++) {
        struct device_use *use = use_of(snapshot, route->hops[i].ifindex);

        if (use != NULL && use->routes > 0 && --use->routes == 0)
            *ret_changed = true;
    }
}

static bool is_kept(const struct snapshot *snapshot, const struct route *route)
{
    if ((snapshot->families & 1u << route->key.family) == 0)
        return false;
    return snapshot->mirror == MIRROR_ALL || route->key.dst_len == 0;
}

static int add_main_route(void *context, const struct nlmsghdr *message)
{
    const struct main_reader *reader = context;
    struct snapshot *snapshot = reader->snapshot;
    struct route *route;
    uint32_t table;
    int r = route_parse(message, &route, &table);

    if (r <= 0)
        return r;
    if (table != RT_TABLE_MAIN || !is_kept(snapshot, route)) {
        route_free(route);
        return 0;
    }
    if (route_set_count(&snapshot->main) >= MAIN_ROUTES_MAX) {
        route_free(route);
        return -E2BIG;
    }
    route = nexthops_resolve(&snapshot->nexthops, route);
    return route == NULL ? -ENOMEM : route_set_append(&snapshot->main, route);
}

/* A dump that starts again must not throw away the other family's routes. */
static void forget_family(void *context)
{
    const struct main_reader *reader = context;
    struct route *route, *safe;

    HASH_ITER(hh, reader->snapshot->main.routes, route, safe) {
        if (route->key.family == reader->family)
            route_set_remove(&reader->snapshot->main, route);
    }
}

static int read_family(struct snapshot *snapshot, struct netlink *netlink, enum ip_family family)
{
    struct main_reader reader = {.snapshot = snapshot, .family = family};
    int r;

    if ((snapshot->families & 1u << family) == 0)
        return 0;
    r = netlink_dump(netlink, route_message_dump(family, RT_TABLE_MAIN), add_main_route,
                     forget_family, &reader);
    return r == -ENOENT ? 0 : r; /* no such table yet */
}

static int count_uses(struct snapshot *snapshot)
{
    bool changed;

    for (const struct route *first = snapshot->main.routes; first != NULL; first = first->hh.next) {
        for (const struct route *route = first; route != NULL; route = route->next) {
            if (uses_add(snapshot, route, &changed) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

int snapshot_read_main(struct snapshot *snapshot, struct netlink *netlink, struct fault *fault)
{
    int r = nexthops_read(&snapshot->nexthops, netlink);

    if (r < 0)
        return fault_set(fault, r, "reading nexthop objects");
    snapshot_clear_main(snapshot);
    r = read_family(snapshot, netlink, FAMILY_IPV4);
    if (r == 0)
        r = read_family(snapshot, netlink, FAMILY_IPV6);
    if (r == 0)
        r = count_uses(snapshot);
    if (r == -E2BIG)
        return fault_explain(fault, r, "table main has more than %d routes: set mirror = default",
                             MAIN_ROUTES_MAX);
    return r < 0 ? fault_set(fault, r, "reading table main") : 0;
}

/*
 * Whether a route message puts the new route in front of those with its key. The kernel says
 * NLM_F_APPEND when it went to the end; several IPv6 routes of one key are one list that a message
 * does not show whole.
 */
static bool place_known(const struct route *old, const struct route *route, uint16_t flags)
{
    if (old == NULL)
        return true;
    if (route->key.family == FAMILY_IPV6)
        return old->next == NULL && (flags & NLM_F_REPLACE) != 0;
    return (flags & NLM_F_REPLACE) == 0 || old->next == NULL;
}

/* Whether a message tells of a route that the last read has seen already. */
static bool is_known(const struct route *first, const struct route *route)
{
    while (first != NULL && !route_same(first, route))
        first = first->next;
    return first != NULL;
}

static int insert(struct snapshot *snapshot, struct route *old, struct route *route, uint16_t flags,
                  bool *ret_changed)
{
    if (old != NULL && (flags & NLM_F_REPLACE) != 0) {
        uses_remove(snapshot, old, ret_changed);
        return route_set_replace(&snapshot->main, route);
    }
    if ((flags & NLM_F_APPEND) != 0)
        return route_set_append(&snapshot->main, route);
    return route_set_prepend(&snapshot->main, route);
}

enum main_change snapshot_route_added(struct snapshot *snapshot, struct route *route,
                                      uint16_t flags)
{
    struct route *old;
    bool changed = false;

    old = route_set_find(&snapshot->main, &route->key);
    if (!is_kept(snapshot, route) || is_known(old, route)) {
        route_free(route);
        return MAIN_SAME;
    }
    if (!place_known(old, route, flags) || (route->nexthop_id != 0 && route->hop_count == 0) ||
        route_set_count(&snapshot->main) >= MAIN_ROUTES_MAX) {
        route_free(route);
        return MAIN_AMBIGUOUS;
    }
    if (uses_add(snapshot, route, &changed) < 0) {
        route_free(route);
        return MAIN_AMBIGUOUS;
    }
    changed |= route->key.dst_len == 0; /* whose addresses are borrowed first depends on defaults */
    if (insert(snapshot, old, route, flags, &changed) < 0)
        return MAIN_AMBIGUOUS;
    return changed ? MAIN_DEVICES : MAIN_KEY;
}

enum main_change snapshot_route_removed(struct snapshot *snapshot, struct route *route)
{
    bool changed = false;

    if (!is_kept(snapshot, route) || route_set_find(&snapshot->main, &route->key) == NULL) {
        route_free(route);
        return MAIN_SAME;
    }
    if (!route_set_remove_same(&snapshot->main, route)) {
        route_free(route);
        return MAIN_AMBIGUOUS;
    }
    uses_remove(snapshot, route, &changed);
    changed |= route->key.dst_len == 0;
    route_free(route);
    return changed ? MAIN_DEVICES : MAIN_KEY;
}
