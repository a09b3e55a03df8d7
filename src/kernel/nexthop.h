/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nexthop objects: what a route with an nhid leads over.
 *
 * With net.ipv4.nexthop_compat_mode = 0 the kernel shows such routes without their hops; the hops
 * are looked up here. Groups refer to plain objects by id.
 */
#ifndef IPMODD_KERNEL_NEXTHOP_H
#define IPMODD_KERNEL_NEXTHOP_H

#include "kernel/netlink.h"
#include "kernel/route.h"

struct nexthop {
    uint32_t id;
    struct hop hop;    /* of a plain object */
    uint32_t *members; /* of a group; owned */
    uint32_t member_count;
};

struct nexthops {
    struct nexthop *items; /* by id: routes that refer to them can be many */
    size_t count;
};

/* Reads all objects anew. A kernel without them (before 5.3) has none. 0 or -errno. */
int nexthops_read(struct nexthops *nexthops, struct netlink *netlink);
void nexthops_clear(struct nexthops *nexthops);

/*
 * ROUTE (taken) with the hops of its nexthop object, if it has one and the kernel did not show
 * them. NULL without memory.
 */
struct route *nexthops_resolve(const struct nexthops *nexthops, struct route *route);

#endif
