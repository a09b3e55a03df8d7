/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a table equal to the wanted routes. */
#include "kernel/apply.h"
#include "kernel/inbound.h"
#include "kernel/netlink_batch.h"

#include <errno.h>

/* A table, what its dump is compared with, and what that brought to light. */
struct table {
    struct apply *apply;
    uint32_t number;
    struct route_set *wanted;
    enum ip_family family;   /* of the dump that is running */
    struct route_set strays; /* ours, wanted by nobody; owned */
};

static void forget_family(void *context)
{
    struct table *table = context;
    struct route *route, *safe;

    HASH_ITER(hh, table->strays.routes, route, safe) {
        if (route->key.family == table->family)
            route_set_remove(&table->strays, route);
    }
    for (route = table->wanted->routes; route != NULL; route = route->hh.next) {
        if (route->key.family == table->family)
            route->state = ROUTE_MISSING;
    }
}

bool apply_note_route(struct route_set *wanted, const struct route *route, bool removed)
{
    struct route *mine = route_set_find(wanted, &route->key);

    if (mine == NULL)
        return !removed;
    if (removed)
        mine->state = ROUTE_MISSING;
    else if (route->protocol != DIVERT_PROTOCOL)
        mine->state = ROUTE_OCCUPIED;
    else
        mine->state = route_same(mine, route) ? ROUTE_INSTALLED : ROUTE_DIFFERENT;
    return mine->state != ROUTE_INSTALLED;
}

static void report_foreign(const struct table *table, const struct route *route)
{
    char text[ROUTE_KEY_TEXT];

    table->apply->foreign = true;
    fault_explain(table->apply->fault, -EEXIST,
                  "table %u has a route that is not ours (%s %s, protocol %u): choose another "
                  "[divert] table, or remove it",
                  table->number, ip_family_name(route->key.family),
                  route_key_format(&route->key, text), route->protocol);
}

static int note_dumped(void *context, const struct nlmsghdr *message)
{
    struct table *table = context;
    struct route *route CLEANUP(route_cleanup) = NULL;
    uint32_t number;
    int r = route_parse(message, &route, &number);

    if (r <= 0)
        return r;
    if (number != table->number)
        return 0;
    apply_note_route(table->wanted, route, false);
    if (route->protocol != DIVERT_PROTOCOL && table->wanted->routes != NULL)
        report_foreign(table, route);
    if (route->protocol == DIVERT_PROTOCOL && route_set_find(table->wanted, &route->key) == NULL)
        return route_set_append(&table->strays, TAKE_PTR(route));
    return 0;
}

/* TAG is the wanted route, or NULL for a removal. */
static void route_refused(void *context, void *tag, int error, const char *refusal)
{
    struct table *table = context;
    struct apply *apply = table->apply;
    struct route *route = tag;
    char text[ROUTE_KEY_TEXT];

    apply->changes--;
    if (route == NULL) {
        if (error != -ESRCH && error != -ENOENT) {
            apply->failures++;
            fault_set(apply->fault, error, "removing a route from table %u", table->number);
        }
        return;
    }
    route->state = ROUTE_MISSING;
    apply->failures++;
    fault_set(apply->fault, error, "table %u: adding the %s route %s%s%s", table->number,
              ip_family_name(route->key.family), route_key_format(&route->key, text),
              refusal[0] != '\0' ? ": " : "", refusal);
}

static int push_route(struct table *table, struct route *route)
{
    struct apply *apply = table->apply;
    uint16_t flags = NLM_F_CREATE | NLM_F_EXCL;

    switch (route->state) {
    case ROUTE_INSTALLED:
        return 0;
    case ROUTE_OCCUPIED:
        apply->failures++;
        report_foreign(table, route);
        return 0;
    case ROUTE_DIFFERENT:
        flags = NLM_F_CREATE | NLM_F_REPLACE;
        break;
    case ROUTE_MISSING:
    case ROUTE_STATE_COUNT:
        break;
    }
    route->state = ROUTE_INSTALLED; /* until the kernel says otherwise */
    apply->changes++;
    return netlink_batch_add(apply->netlink, route_message_new(route, table->number, flags), route);
}

static int push_all(struct table *table)
{
    struct apply *apply = table->apply;
    int r = 0;

    netlink_batch_begin(apply->netlink, route_refused, table);
    for (struct route *stray = table->strays.routes; stray != NULL && r == 0;
         stray = stray->hh.next) {
        apply->changes++;
        r = netlink_batch_add(apply->netlink, route_message_del(stray, table->number), NULL);
    }
    for (struct route *route = table->wanted->routes; route != NULL && r == 0;
         route = route->hh.next)
        r = push_route(table, route);
    if (r == 0)
        r = netlink_batch_flush(apply->netlink);
    return r < 0 ? fault_set(apply->fault, r, "sending routes") : 0;
}

static int read_table(struct table *table)
{
    struct apply *apply = table->apply;
    int r = 0;

    for (int family = 0; family < FAMILY_COUNT && r == 0; family++) {
        /* Also the family that is not diverted (any more): ours in it are strays. */
        table->family = (enum ip_family)family;
        forget_family(table);
        r = netlink_dump(apply->netlink, route_message_dump((enum ip_family)family, table->number),
                         note_dumped, forget_family, table);
        if (r == -ENOENT || r == -EAFNOSUPPORT || r == -EOPNOTSUPP)
            r = 0; /* no route was ever put into it; or no IPv6 */
    }
    return r < 0 ? fault_set(apply->fault, r, "reading table %u", table->number) : 0;
}

static int make_equal(struct table *table)
{
    int r = read_table(table);

    if (r == 0)
        r = push_all(table);
    route_set_clear(&table->strays);
    return r;
}

static struct table mirror_of(struct apply *apply)
{
    return (struct table){
        .apply = apply, .number = apply->config->divert.table, .wanted = &apply->wanted->routes};
}

int apply_routes(struct apply *apply)
{
    struct table table = mirror_of(apply);

    return make_equal(&table);
}

int apply_inbound_routes(struct apply *apply)
{
    struct table table = {
        .apply = apply, .number = inbound_table(apply->config), .wanted = &apply->wanted->inbound};

    return make_equal(&table);
}

int apply_route_keys(struct apply *apply, const struct route_key *keys, size_t count)
{
    struct table table = mirror_of(apply);
    int r = 0;

    netlink_batch_begin(apply->netlink, route_refused, &table);
    for (size_t i = 0; i < count && r == 0; i++) {
        struct route *route = route_set_find(table.wanted, &keys[i]);

        if (route != NULL)
            r = push_route(&table, route);
    }
    if (r == 0)
        r = netlink_batch_flush(apply->netlink);
    return r < 0 ? fault_set(apply->fault, r, "sending routes") : 0;
}
