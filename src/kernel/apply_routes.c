/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes table N equal to the wanted routes. */
#include "kernel/apply.h"

#include <errno.h>

/* What a dump of table N is compared with, and what it brought to light. */
struct table_reader {
    struct apply *apply;
    enum ip_family family;   /* of the dump that is running */
    struct route_set strays; /* ours, wanted by nobody; owned */
};

static void forget_family(void *context)
{
    struct table_reader *reader = context;
    struct route *route, *safe;

    HASH_ITER(hh, reader->strays.routes, route, safe) {
        if (route->key.family == reader->family)
            route_set_remove(&reader->strays, route);
    }
    for (route = reader->apply->wanted->routes.routes; route != NULL; route = route->hh.next) {
        if (route->key.family == reader->family)
            route->state = ROUTE_MISSING;
    }
}

bool apply_note_route(struct wanted *wanted, const struct route *route, bool removed)
{
    struct route *mine = route_set_find(&wanted->routes, &route->key);

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

static void report_foreign(struct apply *apply, const struct route *route)
{
    char text[ROUTE_KEY_TEXT];

    apply->foreign = true;
    fault_explain(apply->fault, -EEXIST,
                  "table %u has a route that is not ours (%s %s, protocol %u): choose another "
                  "[divert] table, or remove it",
                  apply->config->divert.table, ip_family_name(route->key.family),
                  route_key_format(&route->key, text), route->protocol);
}

static int note_dumped(void *context, const struct nlmsghdr *message)
{
    struct table_reader *reader = context;
    struct apply *apply = reader->apply;
    struct route *route CLEANUP(route_cleanup) = NULL;
    uint32_t table;
    int r = route_parse(message, &route, &table);

    if (r <= 0)
        return r;
    if (table != apply->config->divert.table)
        return 0;
    apply_note_route(apply->wanted, route, false);
    if (route->protocol != DIVERT_PROTOCOL)
        report_foreign(apply, route);
    else if (route_set_find(&apply->wanted->routes, &route->key) == NULL)
        return route_set_append(&reader->strays, TAKE_PTR(route));
    return 0;
}

/* TAG is the wanted route, or NULL for a removal. */
static void route_refused(void *context, void *tag, int error, const char *refusal)
{
    struct apply *apply = context;
    struct route *route = tag;
    char text[ROUTE_KEY_TEXT];

    apply->changes--;
    if (route == NULL) {
        if (error != -ESRCH && error != -ENOENT) {
            apply->failures++;
            fault_set(apply->fault, error, "removing a route from table %u",
                      apply->config->divert.table);
        }
        return;
    }
    route->state = ROUTE_MISSING;
    apply->failures++;
    fault_set(apply->fault, error, "table %u: adding the %s route %s%s%s",
              apply->config->divert.table, ip_family_name(route->key.family),
              route_key_format(&route->key, text), refusal[0] != '\0' ? ": " : "", refusal);
}

static int push_route(struct apply *apply, struct route *route)
{
    uint16_t flags = NLM_F_CREATE | NLM_F_EXCL;

    switch (route->state) {
    case ROUTE_INSTALLED:
        return 0;
    case ROUTE_OCCUPIED:
        apply->failures++;
        report_foreign(apply, route);
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
    return netlink_batch_add(apply->netlink,
                             route_message_new(route, apply->config->divert.table, flags), route);
}

static int push_all(struct table_reader *reader)
{
    struct apply *apply = reader->apply;
    int r = 0;

    netlink_batch_begin(apply->netlink, route_refused, apply);
    for (struct route *stray = reader->strays.routes; stray != NULL && r == 0;
         stray = stray->hh.next) {
        apply->changes++;
        r = netlink_batch_add(apply->netlink, route_message_del(stray, apply->config->divert.table),
                              NULL);
    }
    for (struct route *route = apply->wanted->routes.routes; route != NULL && r == 0;
         route = route->hh.next)
        r = push_route(apply, route);
    if (r == 0)
        r = netlink_batch_flush(apply->netlink);
    return r < 0 ? fault_set(apply->fault, r, "sending routes") : 0;
}

static int read_table(struct table_reader *reader)
{
    struct apply *apply = reader->apply;
    int r = 0;

    for (int family = 0; family < FAMILY_COUNT && r == 0; family++) {
        /* Also the family that is not diverted (any more): ours in it are strays. */
        reader->family = (enum ip_family)family;
        forget_family(reader);
        r = netlink_dump(apply->netlink,
                         route_message_dump((enum ip_family)family, apply->config->divert.table),
                         note_dumped, forget_family, reader);
        if (r == -ENOENT || r == -EAFNOSUPPORT || r == -EOPNOTSUPP)
            r = 0; /* no route was ever put into it; or no IPv6 */
    }
    return r < 0 ? fault_set(apply->fault, r, "reading table %u", apply->config->divert.table) : 0;
}

int apply_routes(struct apply *apply)
{
    struct table_reader reader = {.apply = apply};
    int r = read_table(&reader);

    if (r == 0)
        r = push_all(&reader);
    route_set_clear(&reader.strays);
    return r;
}

int apply_route_keys(struct apply *apply, const struct route_key *keys, size_t count)
{
    int r = 0;

    netlink_batch_begin(apply->netlink, route_refused, apply);
    for (size_t i = 0; i < count && r == 0; i++) {
        struct route *route = route_set_find(&apply->wanted->routes, &keys[i]);

        if (route != NULL)
            r = push_route(apply, route);
    }
    if (r == 0)
        r = netlink_batch_flush(apply->netlink);
    return r < 0 ? fault_set(apply->fault, r, "sending routes") : 0;
}
