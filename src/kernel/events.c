/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a message of the kernel makes out of date. */
#include "kernel/divert_state.h"
#include "kernel/inbound.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

static void note_key(struct divert *divert, const struct route_key *key)
{
    for (size_t i = divert->key_count; i > 0 && i + 8 > divert->key_count; i--) {
        if (memcmp(&divert->keys[i - 1], key, sizeof(*key)) == 0)
            return; /* one of the last few: a route that is replaced again and again */
    }
    if (divert->key_count == KEYS_MAX) {
        divert->dirt |= DIRT_MAIN | DIRT_TABLE;
        return;
    }
    divert->keys[divert->key_count++] = *key;
    divert->dirt |= DIRT_KEYS;
}

static void note_main_route(struct divert *divert, struct route *route, uint16_t flags,
                            bool removed)
{
    struct route_key key = route->key;
    enum main_change change;

    if ((divert->dirt & DIRT_MAIN) != 0) {
        route_free(route); /* main is read as a whole anyway */
        return;
    }
    route = nexthops_resolve(&divert->snapshot.nexthops, route);
    if (route == NULL) {
        divert->dirt |= DIRT_MAIN | DIRT_TABLE;
        return;
    }
    change = removed ? snapshot_route_removed(&divert->snapshot, route)
                     : snapshot_route_added(&divert->snapshot, route, flags);
    switch (change) {
    case MAIN_SAME:
        return;
    case MAIN_AMBIGUOUS:
        divert->dirt |= DIRT_MAIN | DIRT_TABLE;
        return;
    case MAIN_DEVICES:
        divert->dirt |= DIRT_HOST;
        break;
    case MAIN_KEY:
        break;
    }
    note_key(divert, &key);
}

static void note_table_route(struct divert *divert, const struct route *route, bool removed)
{
    if (!apply_note_route(&divert->wanted.routes, route, removed))
        return;
    if (removed) {
        divert->dirt |= DIRT_REPAIR;
        note_key(divert, &route->key);
    } else {
        divert->dirt |= DIRT_REPAIR | DIRT_TABLE;
    }
}

/* There are as many as addresses: they are all looked at. */
static void note_inbound_route(struct divert *divert, const struct route *route, bool removed)
{
    if (apply_note_route(&divert->wanted.inbound, route, removed))
        divert->dirt |= DIRT_REPAIR | DIRT_TABLE;
}

/* Messages name the socket whose request they tell of. */
static bool is_own_doing(const struct divert *divert, const struct nlmsghdr *message)
{
    return message->nlmsg_pid == netlink_port(divert->netlink);
}

/*
 * In a table of others: nothing to us, unless it leads into the device, where a rule in front of
 * the guard can make it a loop.
 */
static void note_foreign_route(struct divert *divert, const struct route *route)
{
    for (uint32_t i = 0; i < route->hop_count; i++) {
        if (route->hops[i].ifindex == divert->tun.ifindex)
            divert->dirt |= DIRT_RULES;
    }
}

static void note_route(struct divert *divert, const struct nlmsghdr *message)
{
    bool removed = message->nlmsg_type == RTM_DELROUTE;
    struct route *route;
    uint32_t table;
    int r = route_parse(message, &route, &table);

    if (r < 0)
        divert->dirt |= DIRT_MAIN | DIRT_TABLE;
    if (r <= 0)
        return;
    if (table == RT_TABLE_MAIN) {
        note_main_route(divert, route, message->nlmsg_flags, removed);
        return;
    }
    if (!is_own_doing(divert, message)) {
        if (table == divert->config->divert.table)
            note_table_route(divert, route, removed);
        else if (table == inbound_table(divert->config) && ledger_has_inbound(&divert->ledger))
            note_inbound_route(divert, route, removed);
        else
            note_foreign_route(divert, route);
    }
    route_free(route);
}

/*
 * Routes vanish without a word when a device goes down or comes without carrier, so any change of
 * a device that matters has both tables read again.
 */
static void note_device(struct divert *divert, const struct nlmsghdr *message)
{
    const struct device *known;
    struct device device;

    if (!device_is_described(message) || device_parse(message, &device) < 0)
        return;
    if (divert->starting && device.ifindex == divert->tun.ifindex)
        return;
    known = snapshot_device(&divert->snapshot, device.ifindex);
    if (message->nlmsg_type == RTM_NEWLINK && known != NULL && device_same(known, &device))
        return;
    if (message->nlmsg_type == RTM_DELLINK && device.ifindex == divert->tun.ifindex)
        divert->dirt |= DIRT_REPAIR;
    divert->dirt |= DIRT_ALL;
}

static const struct address *known_address(const struct divert *divert,
                                           const struct address *address)
{
    for (size_t i = 0; i < divert->snapshot.address_count; i++) {
        const struct address *known = &divert->snapshot.addresses[i];

        if (known->ifindex == address->ifindex && ip_addr_equal(&known->local, &address->local))
            return known;
    }
    return NULL;
}

/* A router advertisement renews lifetimes every few seconds; that moves no route. */
static void note_address(struct divert *divert, const struct nlmsghdr *message)
{
    const uint32_t flags = IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_OPTIMISTIC;
    const struct address *known;
    struct address address;

    if (address_parse(message, &address) <= 0)
        return;
    divert->dirt |= DIRT_HOST;
    known = known_address(divert, &address);
    if (message->nlmsg_type == RTM_NEWADDR &&
        (address.ifindex == divert->tun.ifindex ||
         (known != NULL && (known->flags & flags) == (address.flags & flags))))
        return;
    divert->dirt |= DIRT_MAIN | DIRT_TABLE;
}

int events_note(void *context, const struct nlmsghdr *message)
{
    struct divert *divert = context;

    switch (message->nlmsg_type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        note_route(divert, message);
        break;
    case RTM_NEWLINK:
    case RTM_DELLINK:
        note_device(divert, message);
        break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        note_address(divert, message);
        break;
    case RTM_NEWRULE:
    case RTM_DELRULE:
        if (!is_own_doing(divert, message))
            divert->dirt |= DIRT_RULES;
        break;
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
        if (divert->snapshot.nexthop_route_count > 0 || message->nlmsg_type == RTM_NEWNEXTHOP)
            divert->dirt |= DIRT_MAIN | DIRT_TABLE;
        break;
    case RTM_NEWNETCONF:
    case RTM_DELNETCONF:
        divert->dirt |= DIRT_HOST;
        break;
    default:
        break;
    }
    return 0;
}
