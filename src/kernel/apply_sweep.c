/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds and removes our routes of one table. */
#include "kernel/apply.h"
#include "kernel/netlink_batch.h"

#include <errno.h>

struct sweep {
    struct route_set found; /* owned */
    uint32_t table;
    bool keep_closed;
};

static void sweep_restart(void *context)
{
    struct sweep *sweep = context;

    route_set_clear(&sweep->found);
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
    if (table != sweep->table || route->protocol != DIVERT_PROTOCOL ||
        (sweep->keep_closed && is_kept_closed(route)))
        return 0;
    return route_set_append(&sweep->found, TAKE_PTR(route));
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

static int sweep_family(struct netlink *netlink, enum ip_family family, struct sweep *sweep)
{
    int r = netlink_dump(netlink, route_message_dump(family, sweep->table), sweep_note,
                         sweep_restart, sweep);
    int removed;

    if (r == -ENOENT || r == -EAFNOSUPPORT || r == -EOPNOTSUPP)
        r = 0;
    /* After an error too: what could be read of a table that keeps changing has to go. */
    removed = send_removals(netlink, sweep);
    route_set_clear(&sweep->found);
    return r < 0 ? r : removed;
}

static int sweep_table(struct netlink *netlink, struct sweep *sweep, struct fault *fault)
{
    int r = 0;

    for (int family = 0; family < FAMILY_COUNT; family++) {
        int swept = sweep_family(netlink, (enum ip_family)family, sweep);

        r = r < 0 ? r : swept;
    }
    return r < 0 ? fault_set(fault, r, "removing routes from table %u", sweep->table) : 0;
}

int apply_remove_routes(struct netlink *netlink, uint32_t table, struct fault *fault)
{
    struct sweep sweep = {.table = table};

    return sweep_table(netlink, &sweep, fault);
}

int apply_remove_all_routes(struct netlink *netlink, const struct instance *instance,
                            struct fault *fault)
{
    int first = apply_remove_routes(netlink, instance->table, fault);
    int r = 0;

    /* Without tun0 none of ours leads over a device: one that does is another instance's. */
    if (instance->inbound && apply_table_in_use(netlink, instance->table + 1) <= 0)
        r = apply_remove_routes(netlink, instance->table + 1, fault);
    return first < 0 ? first : r;
}

int apply_remove_routes_but_closed(struct netlink *netlink, uint32_t table, struct fault *fault)
{
    struct sweep sweep = {.table = table, .keep_closed = true};

    return sweep_table(netlink, &sweep, fault);
}

int apply_sweep(struct netlink *netlink, const struct instance *instance, struct fault *fault)
{
    int r = apply_remove_rules(netlink, instance, NULL, fault);

    return r < 0 ? r : apply_remove_all_routes(netlink, instance, fault);
}

struct search {
    uint32_t table;
    bool found;
};

static void search_restart(void *context)
{
    struct search *search = context;

    search->found = false;
}

static int search_note(void *context, const struct nlmsghdr *message)
{
    struct search *search = context;
    struct route *route CLEANUP(route_cleanup) = NULL;
    uint32_t table;
    int r = route_parse(message, &route, &table);

    if (r <= 0)
        return r;
    if (table == search->table && route->protocol == DIVERT_PROTOCOL && route->hop_count > 0)
        search->found = true;
    return 0;
}

int apply_table_in_use(struct netlink *netlink, uint32_t table)
{
    struct search search = {.table = table};

    for (int family = 0; family < FAMILY_COUNT && !search.found; family++) {
        int r = netlink_dump(netlink, route_message_dump((enum ip_family)family, table),
                             search_note, search_restart, &search);

        if (r < 0 && r != -ENOENT && r != -EAFNOSUPPORT && r != -EOPNOTSUPP)
            return r;
    }
    return search.found;
}
