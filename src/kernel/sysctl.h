/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings under net.ipv4.conf and net.ipv6.conf.
 *
 * Reading is always by /proc. Writing an IPv4 setting of one device goes through netlink, which
 * works where /proc/sys is read-only; IPv6 has no such way and is written to /proc.
 */
#ifndef IPMODD_KERNEL_SYSCTL_H
#define IPMODD_KERNEL_SYSCTL_H

#include "ipmodd/base/addr.h"
#include "kernel/netlink.h"

#include <net/if.h>

struct setting {
    enum ip_family family;
    char device[IFNAMSIZ]; /* or "all" */
    char name[24];         /* "rp_filter", … */
    int32_t value;
};

struct setting setting_make(enum ip_family family, const char *device, const char *name,
                            int32_t value);

/* 0; -ENOENT where the kernel, or the device, has no such setting; or another -errno. */
int sysctl_read(enum ip_family family, const char *device, const char *name, int32_t *ret_value);

int sysctl_write(struct netlink *netlink, const struct setting *setting);

/* "net/ipv4/conf/eth0/rp_filter"; sysctl(8) takes this form for devices with dots in their name. */
enum { SYSCTL_PATH = 80 };
const char *sysctl_path(const struct setting *setting, char buffer[static SYSCTL_PATH]);

#endif
