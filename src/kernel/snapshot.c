/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices, addresses and settings of the host. */
#include "kernel/snapshot.h"

#include "ipmodd/base/macro.h"
#include "kernel/sysctl.h"
#include "kernel/xfrm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void snapshot_init(struct snapshot *snapshot, const struct config *config)
{
    *snapshot = (struct snapshot){
        .families = config->divert.families,
        .mirror = config->divert.mirror,
    };
}

static void devices_clear(void *context)
{
    struct snapshot *snapshot = context;

    free(snapshot->devices);
    snapshot->devices = NULL;
    snapshot->device_count = 0;
}

static void addresses_clear(void *context)
{
    struct snapshot *snapshot = context;

    free(snapshot->addresses);
    snapshot->addresses = NULL;
    snapshot->address_count = 0;
}

void snapshot_clear(struct snapshot *snapshot)
{
    snapshot_clear_main(snapshot);
    devices_clear(snapshot);
    addresses_clear(snapshot);
    nexthops_clear(&snapshot->nexthops);
}

static int add_device(void *context, const struct nlmsghdr *message)
{
    struct snapshot *snapshot = context;
    struct device device, *devices;
    int r = device_parse(message, &device);

    if (r < 0)
        return r;
    devices = reallocarray(snapshot->devices, snapshot->device_count + 1, sizeof(*devices));
    if (devices == NULL)
        return -ENOMEM;
    snapshot->devices = devices;
    devices[snapshot->device_count++] = device;
    return 0;
}

static int add_address(void *context, const struct nlmsghdr *message)
{
    struct snapshot *snapshot = context;
    struct address address, *addresses;
    int r = address_parse(message, &address);

    if (r <= 0)
        return r;
    addresses = reallocarray(snapshot->addresses, snapshot->address_count + 1, sizeof(*addresses));
    if (addresses == NULL)
        return -ENOMEM;
    snapshot->addresses = addresses;
    addresses[snapshot->address_count++] = address;
    return 0;
}

/* Whether the kernel has IPv6 and it is not switched off as a whole. */
static bool ipv6_usable(void)
{
    int32_t disabled;

    return sysctl_read(FAMILY_IPV6, "all", "disable_ipv6", &disabled) == 0 && disabled == 0;
}

static void read_settings(struct snapshot *snapshot)
{
    int32_t value;

    snapshot->rp_filter_all = 0;
    snapshot->forwarding6_all = snapshot->forwarding6_default = 0;
    snapshot->has_xfrm = xfrm_policy_count() > 0;
    snapshot->has_ipv6 = ipv6_usable();
    if (!snapshot->has_ipv6)
        snapshot->families &= ~(unsigned)FAMILIES_IPV6;
    sysctl_read(FAMILY_IPV4, "all", "rp_filter", &snapshot->rp_filter_all);
    sysctl_read(FAMILY_IPV6, "all", "forwarding", &snapshot->forwarding6_all);
    sysctl_read(FAMILY_IPV6, "default", "forwarding", &snapshot->forwarding6_default);
    snapshot->has_force_forwarding = sysctl_read(FAMILY_IPV6, "all", "force_forwarding", &value) ==
                                     0;
}

static int compare_devices(const void *a, const void *b)
{
    const struct device *left = a, *right = b;

    return left->ifindex < right->ifindex ? -1 : left->ifindex > right->ifindex;
}

/* Older kernels list them by a hash of their numbers. */
static void sort_devices(struct snapshot *snapshot)
{
    if (snapshot->device_count > 0)
        qsort(snapshot->devices, snapshot->device_count, sizeof(*snapshot->devices),
              compare_devices);
}

int snapshot_read_devices(struct snapshot *snapshot, struct netlink *netlink, struct fault *fault)
{
    int r;

    devices_clear(snapshot);
    addresses_clear(snapshot);
    r = netlink_dump(netlink, device_message_dump(), add_device, devices_clear, snapshot);
    if (r < 0)
        return fault_set(fault, r, "reading the list of devices");
    sort_devices(snapshot);
    r = netlink_dump(netlink, address_message_dump(), add_address, addresses_clear, snapshot);
    if (r < 0)
        return fault_set(fault, r, "reading the list of addresses");
    read_settings(snapshot);
    return 0;
}

const struct device *snapshot_device(const struct snapshot *snapshot, uint32_t ifindex)
{
    const struct device wanted = {.ifindex = ifindex};

    if (snapshot->device_count == 0)
        return NULL;
    return bsearch(&wanted, snapshot->devices, snapshot->device_count, sizeof(wanted),
                   compare_devices);
}

const struct device *snapshot_device_named(const struct snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->device_count; i++) {
        if (strcmp(snapshot->devices[i].name, name) == 0)
            return &snapshot->devices[i];
    }
    return NULL;
}
