/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of the kernel and of devices that decide about diverted packets. */
#include "kernel/doctor/examination.h"

#include "kernel/sysctl.h"

#include <linux/rtnetlink.h>
#include <stdio.h>

/* The command that writes SETTING. */
static const char *sysctl_command(enum ip_family family, const char *device, const char *name,
                                  int32_t value, char buffer[static MEND_TEXT])
{
    const struct setting setting = setting_make(family, device, name, value);
    char path[SYSCTL_PATH];

    snprintf(buffer, MEND_TEXT, "sysctl -w %s=%d", sysctl_path(&setting, path), value);
    return buffer;
}

static bool has_address(const struct examination *examination, uint32_t ifindex,
                        enum ip_family family)
{
    const struct snapshot *snapshot = &examination->snapshot;

    for (size_t i = 0; i < snapshot->address_count; i++) {
        if (snapshot->addresses[i].ifindex == ifindex &&
            snapshot->addresses[i].local.family == family)
            return true;
    }
    return false;
}

/* Effective is the larger of the device's own value and that of all (ip-sysctl). */
static int look_at_filter(struct examination *examination, const struct device *device)
{
    int32_t all = examination->snapshot.rp_filter_all;
    int32_t effective = MAX_OF(all, device->rp_filter);
    char mend[MEND_TEXT];

    if (effective == 1)
        return examination_add(
            examination, FINDING_ERROR,
            sysctl_command(FAMILY_IPV4, device->name, "rp_filter", 2, mend),
            "the reverse path filter of %s is strict (rp_filter %d of the device, %d of all): what "
            "comes back from %s, and answers to it, are dropped in silence",
            device->name, device->rp_filter, all, examination->config->tun.name);
    if (device == examination->tun && effective != 0 &&
        !has_address(examination, device->ifindex, FAMILY_IPV4)) {
        snprintf(mend, sizeof(mend), "[tun] address = an address of this host with /32");
        return examination_add(examination, FINDING_ERROR, mend,
                               "%s has no IPv4 address, and with one missing the reverse path "
                               "filter (%d) drops all that comes from it",
                               device->name, effective);
    }
    return 0;
}

/* Before a start the values do not matter: the daemon sets what it needs, and puts it back. */
int check_rp_filter(struct examination *examination)
{
    const struct snapshot *snapshot = &examination->snapshot;
    int r = 0;

    if (!examination->diverts || (snapshot->families & FAMILIES_IPV4) == 0)
        return 0;
    for (size_t i = 0; i < snapshot->device_count && r == 0; i++) {
        const struct device *device = &snapshot->devices[i];

        if (device == examination->tun || examination_is_egress(examination, device))
            r = look_at_filter(examination, device);
    }
    return r;
}

/* Whether a device forwards that packets could come in by. */
static bool forwards_ipv4(const struct examination *examination)
{
    const struct snapshot *snapshot = &examination->snapshot;

    for (size_t i = 0; i < snapshot->device_count; i++) {
        const struct device *device = &snapshot->devices[i];

        if (device != examination->tun && (device->flags & IFF_LOOPBACK) == 0 &&
            (device->flags & IFF_UP) != 0 && device->forwarding != 0)
            return true;
    }
    return false;
}

/* Packets of others only pass through a host that is a router. */
static int look_at_router(struct examination *examination)
{
    const struct snapshot *snapshot = &examination->snapshot;
    int r = 0;

    if ((examination->config->divert.directions & DIRECTIONS_FORWARD) == 0)
        return 0;
    if ((snapshot->families & FAMILIES_IPV4) != 0 && !forwards_ipv4(examination))
        r = examination_add(examination, FINDING_WARNING, "sysctl -w net.ipv4.ip_forward=1",
                            "[divert] direction has forward, but this host forwards no IPv4");
    if (r == 0 && (snapshot->families & FAMILIES_IPV6) != 0 && snapshot->has_ipv6 &&
        snapshot->forwarding6_all == 0)
        r = examination_add(examination, FINDING_WARNING,
                            "sysctl -w net.ipv6.conf.all.forwarding=1",
                            "[divert] direction has forward, but this host forwards no IPv6");
    return r;
}

static int look_at_tun4(struct examination *examination)
{
    char mend[MEND_TEXT];

    if ((examination->snapshot.families & FAMILIES_IPV4) == 0 || examination->tun->forwarding != 0)
        return 0;
    return examination_add(examination, FINDING_ERROR,
                           sysctl_command(FAMILY_IPV4, examination->tun->name, "forwarding", 1,
                                          mend),
                           "IPv4 is not forwarded from %s: all that comes back from it is dropped",
                           examination->tun->name);
}

static int look_at_tun6(struct examination *examination)
{
    const struct snapshot *snapshot = &examination->snapshot;
    const char *name = examination->tun->name;
    bool is_alone = snapshot->has_force_forwarding;
    char mend[MEND_TEXT];
    int32_t forced = 0;

    if ((snapshot->families & FAMILIES_IPV6) == 0 || !snapshot->has_ipv6 ||
        snapshot->forwarding6_all != 0)
        return 0;
    if (is_alone)
        sysctl_read(FAMILY_IPV6, name, "force_forwarding", &forced);
    if (forced != 0)
        return 0;
    return examination_add(examination, FINDING_ERROR,
                           is_alone ? sysctl_command(FAMILY_IPV6, name, "force_forwarding", 1, mend)
                                    : sysctl_command(FAMILY_IPV6, "all", "forwarding", 1, mend),
                           "IPv6 is not forwarded from %s: all that comes back from it is dropped",
                           name);
}

int check_forwarding(struct examination *examination)
{
    int r = look_at_router(examination);

    if (r == 0 && examination->diverts && examination->tun != NULL) {
        r = look_at_tun4(examination);
        if (r == 0)
            r = look_at_tun6(examination);
    }
    return r;
}

/* Whether an address of the device will expire unless a router renews it. */
static bool learns_from_routers(const struct examination *examination, const struct device *device)
{
    const struct snapshot *snapshot = &examination->snapshot;

    for (size_t i = 0; i < snapshot->address_count; i++) {
        const struct address *address = &snapshot->addresses[i];

        if (address->ifindex == device->ifindex && address->local.family == FAMILY_IPV6 &&
            address->scope == RT_SCOPE_UNIVERSE && address->valid != UINT32_MAX)
            return true;
    }
    return false;
}

/* See forwarding.c. */
int check_accept_ra(struct examination *examination)
{
    const struct snapshot *snapshot = &examination->snapshot;
    char mend[MEND_TEXT];
    int r = 0;

    if ((snapshot->families & FAMILIES_IPV6) == 0 || !snapshot->has_ipv6)
        return 0;
    for (size_t i = 0; i < snapshot->device_count && r == 0; i++) {
        const struct device *device = &snapshot->devices[i];

        if (device == examination->tun || device->forwarding6 == 0 || device->accept_ra6 != 1 ||
            !learns_from_routers(examination, device))
            continue;
        r = examination_add(examination, FINDING_WARNING,
                            sysctl_command(FAMILY_IPV6, device->name, "accept_ra", 2, mend),
                            "%s forwards IPv6 and has accept_ra 1, so it does not hear routers any "
                            "more: its address and default route will expire",
                            device->name);
    }
    return r;
}

/*
 * Packets to this host are routed twice; the kernel would find their socket before the first time,
 * and drop them when it forwards them. While no daemon runs the setting is as it should be.
 */
int check_early_demux(struct examination *examination)
{
    static const char *const names[] = {"tcp_early_demux", "udp_early_demux"};
    char mend[MEND_TEXT];
    int r = 0;

    if (!examination->diverts || (examination->config->divert.directions & DIRECTIONS_IN) == 0)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(names) && r == 0; i++) {
        int32_t value = 0;

        if (sysctl_read(FAMILY_IPV4, SETTING_OF_FAMILY, names[i], &value) < 0 || value == 0)
            continue;
        r = examination_add(
            examination, FINDING_ERROR,
            sysctl_command(FAMILY_IPV4, SETTING_OF_FAMILY, names[i], 0, mend),
            "%s is on: with direction = in, what comes for connections of this host "
            "is dropped on its way to the tun device",
            names[i]);
    }
    return r;
}

int check_mtu(struct examination *examination)
{
    const struct snapshot *snapshot = &examination->snapshot;
    uint32_t configured = examination->config->tun.mtu;
    uint32_t largest = 0;
    char mend[MEND_TEXT];

    for (size_t i = 0; i < snapshot->device_count; i++) {
        if (examination_is_egress(examination, &snapshot->devices[i]))
            largest = MAX_OF(largest, snapshot->devices[i].mtu);
    }
    if (largest == 0)
        return 0;
    if (configured != 0 && configured != largest)
        return examination_add(examination, FINDING_WARNING, "[tun] mtu = auto",
                               "[tun] mtu is %u, that of the egress devices is %u: %s", configured,
                               largest,
                               configured < largest
                                   ? "larger packets are refused or cut into fragments"
                                   : "larger packets are cut into fragments, or answered with "
                                     "\"too big\", behind the tun device");
    if (!examination->diverts || examination->tun == NULL || configured != 0 ||
        examination->tun->mtu == largest)
        return 0;
    snprintf(mend, sizeof(mend), "ip link set dev %s mtu %u", examination->tun->name, largest);
    return examination_add(examination, FINDING_WARNING, mend,
                           "the MTU of %s is %u, that of the egress devices is %u",
                           examination->tun->name, examination->tun->mtu, largest);
}
