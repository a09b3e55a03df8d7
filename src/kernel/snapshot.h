/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshot: what the host looks like, as far as the wanted state depends on it.
 *
 * Devices, addresses, nexthop objects and a few settings are small and always read as a whole. The
 * main table can be large: it is read once and then follows single route messages; where a message
 * leaves open what the kernel did (several variants under one key) the caller is told to read the
 * table again. Routes over nexthop objects are kept with the hops of those objects, so nobody else
 * needs to know of them.
 *
 * With mirror = default only default routes are kept.
 */
#ifndef IPMODD_KERNEL_SNAPSHOT_H
#define IPMODD_KERNEL_SNAPSHOT_H

#include "ipmodd/base/config.h"
#include "ipmodd/base/host_view.h"
#include "kernel/device.h"
#include "kernel/fault.h"
#include "kernel/netlink.h"
#include "kernel/nexthop.h"
#include "kernel/route.h"

/* How many routes of main have a hop over a device. */
struct device_use {
    uint32_t ifindex;
    uint32_t routes;
};

struct snapshot {
    struct device *devices; /* by ifindex: each hop of each route looks for its own */
    size_t device_count;
    struct address *addresses;
    size_t address_count;
    struct nexthops nexthops;
    struct route_set main;
    struct device_use *uses;
    size_t use_count;
    size_t nexthop_route_count; /* routes of main that refer to a nexthop object */
    unsigned families;          /* FAMILIES_* that are configured and that the kernel has */
    bool has_ipv6;              /* the kernel has it, and it is not switched off as a whole */
    enum mirror_mode mirror;
    int32_t rp_filter_all;     /* net.ipv4.conf.all.rp_filter */
    bool has_force_forwarding; /* net.ipv6.conf.*.force_forwarding exists (Linux 6.17) */
    int32_t forwarding6_all, forwarding6_default;
    bool has_xfrm; /* there are IPsec policies */
};

/* What a change of main means to those who computed something from it. */
enum main_change {
    MAIN_SAME,      /* nothing that matters */
    MAIN_KEY,       /* the routes with this key are to be computed again */
    MAIN_DEVICES,   /* that, and the set of devices in use has changed */
    MAIN_AMBIGUOUS, /* only reading main again tells */
};

/* Empty, for what CONFIG asks for. */
void snapshot_init(struct snapshot *snapshot, const struct config *config);
void snapshot_clear(struct snapshot *snapshot);

/* Devices, addresses and settings anew. 0 or -errno with FAULT set; all three reads likewise. */
int snapshot_read_devices(struct snapshot *snapshot, struct netlink *netlink, struct fault *fault);

/* Nexthop objects and the main table anew; forgetting main alone. */
void snapshot_clear_main(struct snapshot *snapshot);
int snapshot_read_main(struct snapshot *snapshot, struct netlink *netlink, struct fault *fault);

/* ROUTE (taken) was added to main (FLAGS: nlmsg_flags of the message), or taken out. */
enum main_change snapshot_route_added(struct snapshot *snapshot, struct route *route,
                                      uint16_t flags);
enum main_change snapshot_route_removed(struct snapshot *snapshot, struct route *route);

/* What the packet path must know of it; owned by the caller, NULL without memory. */
struct host_view *snapshot_view(const struct snapshot *snapshot, const struct config *config,
                                uint32_t tun_ifindex);

/* NULL if there is none. */
const struct device *snapshot_device(const struct snapshot *snapshot, uint32_t ifindex);
const struct device *snapshot_device_named(const struct snapshot *snapshot, const char *name);

/* Whether a route of main leads over the device. */
bool snapshot_device_used(const struct snapshot *snapshot, uint32_t ifindex);

#endif
