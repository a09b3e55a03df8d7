/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nexthop objects: reading them, putting their hops into routes. */
#include "kernel/nexthop.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <linux/nexthop.h>
#include <stdlib.h>
#include <string.h>

void nexthops_clear(struct nexthops *nexthops)
{
    for (size_t i = 0; i < nexthops->count; i++)
        free(nexthops->items[i].members);
    free(nexthops->items);
    *nexthops = (struct nexthops){.items = NULL};
}

static void restart(void *context)
{
    nexthops_clear(context);
}

static int group_parse(struct nlattr *group, struct nexthop *nexthop)
{
    const struct nexthop_grp *entries = nla_data(group);
    uint32_t count = (uint32_t)nla_len(group) / (uint32_t)sizeof(*entries);

    nexthop->members = calloc(count, sizeof(nexthop->members[0]));
    if (nexthop->members == NULL)
        return -ENOMEM;
    nexthop->member_count = count;
    for (uint32_t i = 0; i < count; i++)
        nexthop->members[i] = entries[i].id;
    return 0;
}

static const struct nla_policy policy[NHA_MAX + 1] = {
    [NHA_ID] = {.type = NLA_U32},
    [NHA_OIF] = {.type = NLA_U32},
};

static int nexthop_parse(const struct nlmsghdr *message, struct nexthop *nexthop)
{
    const struct nhmsg *header = nlmsg_data(message);
    struct nlattr *attrs[NHA_MAX + 1];

    if (nlmsg_parse((struct nlmsghdr *)message, sizeof(*header), attrs, NHA_MAX, policy) < 0 ||
        attrs[NHA_ID] == NULL)
        return -EBADMSG;
    nexthop->id = nla_get_u32(attrs[NHA_ID]);
    nexthop->hop.flags = (uint8_t)header->nh_flags;
    if (attrs[NHA_OIF] != NULL)
        nexthop->hop.ifindex = nla_get_u32(attrs[NHA_OIF]);
    if (attrs[NHA_GATEWAY] != NULL && nla_len(attrs[NHA_GATEWAY]) == 4) {
        nexthop->hop.has_gateway = true;
        memcpy(nexthop->hop.gateway, nla_data(attrs[NHA_GATEWAY]), 4);
    }
    return attrs[NHA_GROUP] != NULL ? group_parse(attrs[NHA_GROUP], nexthop) : 0;
}

static int add_item(void *context, const struct nlmsghdr *message)
{
    struct nexthops *nexthops = context;
    struct nexthop nexthop = {.id = 0};
    struct nexthop *items;
    int r = nexthop_parse(message, &nexthop);

    if (r < 0)
        return r;
    items = reallocarray(nexthops->items, nexthops->count + 1, sizeof(*items));
    if (items == NULL) {
        free(nexthop.members);
        return -ENOMEM;
    }
    nexthops->items = items;
    items[nexthops->count++] = nexthop;
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    const struct nexthop *left = a, *right = b;

    return left->id < right->id ? -1 : left->id > right->id;
}

int nexthops_read(struct nexthops *nexthops, struct netlink *netlink)
{
    struct nhmsg header = {.nh_family = AF_UNSPEC};
    struct nl_msg *message = nlmsg_alloc_simple(RTM_GETNEXTHOP, 0);
    int r;

    nexthops_clear(nexthops);
    if (message != NULL && nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0) {
        nlmsg_free(message);
        message = NULL;
    }
    r = netlink_dump(netlink, message, add_item, restart, nexthops);
    if (nexthops->count > 0)
        qsort(nexthops->items, nexthops->count, sizeof(*nexthops->items), compare_ids);
    return r == -EOPNOTSUPP ? 0 : r;
}

static const struct nexthop *find(const struct nexthops *nexthops, uint32_t id)
{
    const struct nexthop wanted = {.id = id};

    if (nexthops->count == 0)
        return NULL;
    return bsearch(&wanted, nexthops->items, nexthops->count, sizeof(wanted), compare_ids);
}

struct route *nexthops_resolve(const struct nexthops *nexthops, struct route *route)
{
    const struct nexthop *object;
    struct route *resolved;
    uint32_t count = 0;

    if (route->nexthop_id == 0 || route->hop_count > 0 || route->type != RTN_UNICAST)
        return route;
    object = find(nexthops, route->nexthop_id);
    if (object == NULL)
        return route;
    resolved =
        realloc(route, sizeof(*route) + MAX_OF(object->member_count, 1u) * sizeof(route->hops[0]));
    if (resolved == NULL) {
        route_free(route);
        return NULL;
    }
    if (object->member_count == 0)
        resolved->hops[count++] = object->hop;
    for (uint32_t i = 0; i < object->member_count; i++) {
        const struct nexthop *member = find(nexthops, object->members[i]);

        if (member != NULL)
            resolved->hops[count++] = member->hop;
    }
    resolved->hop_count = count;
    return resolved;
}
