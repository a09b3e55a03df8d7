/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removes the routes that carry our protocol number. */
#include "kernel/apply.h"

#include <errno.h>

struct sweep {
    struct route_set found; /* owned; keys do not name the table, so each round takes one table */
    uint32_t only;          /* RT_TABLE_UNSPEC = the first in which there are any */
    uint32_t table;
    bool keep_closed;
};

static void sweep_restart(void *context)
{
    struct sweep *sweep = context;

    route_set_clear(&sweep->found);
    sweep->table = sweep->only;
}

static bool is_kept_closed(const struct route *route)
{
    return route->type == RTN_THROW ||
           (route->type == RTN_UNREACHABLE && route->key.metric == UINT32_MAX);
}

static int sweep_note(void *context, const struct nlmsghdr *message)
{
    struct sweep *sweep = context;
    struct route *route CLEANUP(route_cleanup) = NULL;
    uint32_t table;
    int r = route_parse(message, &route, &table);

    if (r <= 0)
        return r;
    if (route->protocol != DIVERT_PROTOCOL || (sweep->keep_closed && is_kept_closed(route)))
        return 0;
    if (sweep->table == RT_TABLE_UNSPEC)
        sweep->table = table;
    return table == sweep->table ? route_set_append(&sweep->found, TAKE_PTR(route)) : 0;
}

static void sweep_refused(void *context, void *tag, int error, const char *refusal)
{
    int *first = context;

    (void)tag;
    (void)refusal;
    if (error != -ESRCH && error != -ENOENT && *first == 0)
        *first = error;
}

static int send_removals(struct netlink *netlink, const struct sweep *sweep)
{
    int refused = 0;
    int r = 0;

    netlink_batch_begin(netlink, sweep_refused, &refused);
    for (struct route *first = sweep->found.routes; first != NULL && r == 0;
         first = first->hh.next) {
        for (struct route *route = first; route != NULL && r == 0; route = route->next)
            r = netlink_batch_add(netlink, route_message_del(route, sweep->table), NULL);
    }
    if (r == 0)
        r = netlink_batch_flush(netlink);
    return r < 0 ? r : refused;
}

/* Removes our routes of one table; 1 if there were any, 0 if there is nothing left, or -errno. */
static int sweep_table(struct netlink *netlink, enum ip_family family, uint32_t only,
                       bool keep_closed)
{
    struct sweep sweep = {.only = only, .table = only, .keep_closed = keep_closed};
    int r =
        netlink_dump(netlink, route_message_dump(family, only), sweep_note, sweep_restart, &sweep);
    bool found = route_set_count(&sweep.found) > 0;

    if (r == -ENOENT || r == -EAFNOSUPPORT || r == -EOPNOTSUPP)
        r = 0;
    if (r == 0)
        r = send_removals(netlink, &sweep);
    route_set_clear(&sweep.found);
    return r < 0 ? r : found;
}

static int sweep_families(struct netlink *netlink, uint32_t only, bool keep_closed,
                          struct fault *fault)
{
    int r = 0;

    for (int family = 0; family < FAMILY_COUNT && r == 0; family++) {
        do {
            r = sweep_table(netlink, (enum ip_family)family, only, keep_closed);
        } while (r > 0);
    }
    return r < 0 ? fault_set(fault, r, "removing routes") : 0;
}

int apply_remove_routes(struct netlink *netlink, uint32_t table, struct fault *fault)
{
    return sweep_families(netlink, table, false, fault);
}

int apply_remove_routes_but_closed(struct netlink *netlink, struct fault *fault)
{
    return sweep_families(netlink, RT_TABLE_UNSPEC, true, fault);
}
