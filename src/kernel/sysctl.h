/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings under net.ipv4.conf and net.ipv6.conf, and those of a whole family in net.ipv4.
 *
 * Reading is always by /proc. Writing an IPv4 setting of one device goes through netlink, which
 * works where /proc/sys is read-only; IPv6 and the settings of a family have no such way and are
 * written to /proc. `forwarding` is tried there first: so written the kernel switches off large
 * receive offload, whose packets cannot be forwarded.
 */
#ifndef IPMODD_KERNEL_SYSCTL_H
#define IPMODD_KERNEL_SYSCTL_H

#include "ipmodd/base/addr.h"
#include "kernel/netlink.h"

#include <net/if.h>

struct setting {
    enum ip_family family;
    char device[IFNAMSIZ]; /* or "all", or SETTING_OF_FAMILY */
    char name[24];         /* "rp_filter", … */
    int32_t value;
};

/* In place of a device, whose name it cannot be. */
#define SETTING_OF_FAMILY "/"

struct setting setting_make(enum ip_family family, const char *device, const char *name,
                            int32_t value);

/* 0; -ENOENT where the kernel, or the device, has no such setting; or another -errno. */
int sysctl_read(enum ip_family family, const char *device, const char *name, int32_t *ret_value);

int sysctl_write(struct netlink *netlink, const struct setting *setting);

/* "net/ipv4/conf/eth0/rp_filter", "net/ipv4/tcp_early_demux"; sysctl(8) takes this form for devices
 * with dots in their name. */
enum { SYSCTL_PATH = 80 };
const char *sysctl_path(const struct setting *setting, char buffer[static SYSCTL_PATH]);

#endif
