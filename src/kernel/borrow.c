/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses tun0 has: those of the egress devices, or the given ones. */
#include "ipmodd/base/macro.h"
#include "kernel/wanted.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <stdlib.h>
#include <string.h>

struct address_list {
    struct address *items;
    size_t count;
};

static bool contains(const struct address_list *list, const struct ip_addr *addr)
{
    for (size_t i = 0; i < list->count; i++) {
        if (ip_addr_equal(&list->items[i].local, addr))
            return true;
    }
    return false;
}

static int list_add(struct address_list *list, const struct address *address)
{
    struct address *items = reallocarray(list->items, list->count + 1, sizeof(*items));

    if (items == NULL)
        return -ENOMEM;
    list->items = items;
    items[list->count++] = *address;
    return 0;
}

static bool is_borrowable(const struct wanted_input *input, const struct address *address)
{
    const struct snapshot *snapshot = input->snapshot;
    const uint32_t flags = address->flags;

    if ((snapshot->families & 1u << address->local.family) == 0)
        return false;
    if (address->ifindex == input->tun_ifindex || address->scope >= RT_SCOPE_LINK)
        return false;
    if (!snapshot_device_used(snapshot, address->ifindex) || address->valid == 0)
        return false;
    /* A copy of an address that another host may own must not be answered for. */
    return (flags & IFA_F_DADFAILED) == 0 &&
           ((flags & IFA_F_TENTATIVE) == 0 || (flags & IFA_F_OPTIMISTIC) != 0);
}

/* Whether the device has a preferred address of the other kind (temporary or not) in this /64. */
static bool other_kind_is_chosen(const struct wanted_input *input, const struct address *address)
{
    const struct snapshot *snapshot = input->snapshot;
    const struct device *device = snapshot_device(snapshot, address->ifindex);
    bool wants_temporary = device != NULL && device->use_tempaddr6 > 1;
    struct ip_prefix subnet = {.addr = address->local, .len = 64};

    if (((address->flags & IFA_F_TEMPORARY) != 0) == wants_temporary)
        return false;
    for (size_t i = 0; i < snapshot->address_count; i++) {
        const struct address *other = &snapshot->addresses[i];

        if (other->ifindex == address->ifindex &&
            ((other->flags & IFA_F_TEMPORARY) != 0) == wants_temporary && other->preferred > 0 &&
            (other->flags & IFA_F_TENTATIVE) == 0 && ip_prefix_covers(&subnet, &other->local))
            return true;
    }
    return false;
}

static struct address borrowed_copy(const struct wanted_input *input, const struct address *address)
{
    struct address copy = {
        .ifindex = input->tun_ifindex,
        .local = address->local,
        .network = address->local,
        .prefix_len = (uint8_t)IP_ADDR_BITS(address->local.family),
        .scope = address->scope,
        .flags = IFA_F_NOPREFIXROUTE,
        .preferred = address->preferred,
        .valid = address->valid,
    };

    if (address->local.family == FAMILY_IPV6) {
        copy.flags |= IFA_F_NODAD;
        if (other_kind_is_chosen(input, address))
            copy.preferred = 0;
    }
    return copy;
}

static int borrow_from(const struct wanted_input *input, struct address_list *list,
                       uint32_t ifindex)
{
    const struct snapshot *snapshot = input->snapshot;

    for (size_t i = 0; i < snapshot->address_count; i++) {
        const struct address *address = &snapshot->addresses[i];
        struct address copy;

        if (address->ifindex != ifindex || !is_borrowable(input, address) ||
            contains(list, &address->local))
            continue;
        copy = borrowed_copy(input, address);
        if (list_add(list, &copy) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* The device of IPv4's best default route: MASQUERADE on tun0 takes tun0's first address. */
static uint32_t default_device(const struct snapshot *snapshot)
{
    const struct route *best = NULL;

    for (const struct route *route = snapshot->main.routes; route != NULL; route = route->hh.next) {
        if (route->key.family == FAMILY_IPV4 && route->key.dst_len == 0 && route->hop_count > 0 &&
            (best == NULL || route->key.metric < best->key.metric))
            best = route;
    }
    return best != NULL ? best->hops[0].ifindex : 0;
}

static int give_addresses(const struct wanted_input *input, struct address_list *list)
{
    const struct config_tun *tun = &input->config->tun;

    for (size_t i = 0; i < tun->address_count; i++) {
        const struct ip_prefix *given = &tun->addresses[i];
        struct address address = {
            .ifindex = input->tun_ifindex,
            .local = given->addr,
            .network = given->addr,
            .prefix_len = given->len,
            .flags = given->addr.family == FAMILY_IPV6 ? IFA_F_NODAD : 0,
            .preferred = UINT32_MAX,
            .valid = UINT32_MAX,
        };

        if ((input->snapshot->families & 1u << given->addr.family) == 0)
            continue;
        if (list_add(list, &address) < 0)
            return -ENOMEM;
    }
    return 0;
}

bool borrow_is_mixed(const struct wanted_input *input)
{
    const struct snapshot *snapshot = input->snapshot;
    uint32_t ifindex = 0;

    if (input->config->tun.address_count > 0)
        return true;
    for (size_t i = 0; i < snapshot->address_count; i++) {
        const struct address *address = &snapshot->addresses[i];

        if (address->local.family != FAMILY_IPV6 || !is_borrowable(input, address))
            continue;
        if (ifindex != 0 && address->ifindex != ifindex)
            return true;
        ifindex = address->ifindex;
    }
    return false;
}

int borrow_addresses(const struct wanted_input *input, struct address **ret_addresses,
                     size_t *ret_count)
{
    struct address_list list = {.items = NULL};
    int r;

    if (input->config->tun.address_count > 0) {
        r = give_addresses(input, &list);
    } else {
        r = borrow_from(input, &list, default_device(input->snapshot));
        for (size_t i = 0; i < input->snapshot->device_count && r == 0; i++)
            r = borrow_from(input, &list, input->snapshot->devices[i].ifindex);
    }
    if (r < 0) {
        free(list.items);
        return r;
    }
    *ret_addresses = list.items;
    *ret_count = list.count;
    return 0;
}
