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

/* A setting that is not there has the value ABSENT. 0, or -errno: nobody knows. */
static int read_setting(enum ip_family family, const char *device, const char *name, int32_t absent,
                        int32_t *ret_value)
{
    int r = sysctl_read(family, device, name, ret_value);

    if (r != -ENOENT)
        return r;
    *ret_value = absent;
    return 0;
}

/* Whether IPv6 is there and not switched off as a whole, and how it forwards. */
static int read_settings6(struct snapshot *snapshot)
{
    int32_t disabled, force;
    int r = read_setting(FAMILY_IPV6, "all", "disable_ipv6", 1, &disabled);

    if (r == 0)
        r = read_setting(FAMILY_IPV6, "all", "forwarding", 0, &snapshot->forwarding6_all);
    if (r == 0)
        r = read_setting(FAMILY_IPV6, "default", "forwarding", 0, &snapshot->forwarding6_default);
    if (r == 0)
        r = read_setting(FAMILY_IPV6, "all", "force_forwarding", -1, &force);
    if (r < 0)
        return r;
    snapshot->has_ipv6 = disabled == 0;
    snapshot->has_force_forwarding = force >= 0;
    if (!snapshot->has_ipv6)
        snapshot->families &= ~(unsigned)FAMILIES_IPV6;
    return 0;
}

/*
 * What could not be read for want of descriptors or memory must not look like a host without it:
 * its rules would be taken away.
 */
static int read_settings(struct snapshot *snapshot)
{
    unsigned policies;
    int r = xfrm_policy_count(&policies);

    if (r == 0)
        r = read_setting(FAMILY_IPV4, "all", "rp_filter", 0, &snapshot->rp_filter_all);
    if (r < 0)
        return r;
    snapshot->has_xfrm = policies > 0;
    return read_settings6(snapshot);
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
    r = read_settings(snapshot);
    return r < 0 ? fault_set(fault, r, "reading the settings of this host") : 0;
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
