/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of devices and of families, by netlink or /proc. */
#include "kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet.h>
#include <stdlib.h>
#include <string.h>

struct setting setting_make(enum ip_family family, const char *device, const char *name,
                            int32_t value)
{
    struct setting setting = {.family = family, .value = value};

    snprintf(setting.device, sizeof(setting.device), "%s", device);
    snprintf(setting.name, sizeof(setting.name), "%s", name);
    return setting;
}

const char *sysctl_path(const struct setting *setting, char buffer[static SYSCTL_PATH])
{
    if (strcmp(setting->device, SETTING_OF_FAMILY) == 0)
        snprintf(buffer, SYSCTL_PATH, "net/%s/%s", ip_family_name(setting->family), setting->name);
    else
        snprintf(buffer, SYSCTL_PATH, "net/%s/conf/%s/%s", ip_family_name(setting->family),
                 setting->device, setting->name);
    return buffer;
}

static int open_setting(const struct setting *setting, int flags)
{
    char path[SYSCTL_PATH];
    char full[SYSCTL_PATH + 16];
    int fd;

    snprintf(full, sizeof(full), "/proc/sys/%s", sysctl_path(setting, path));
    fd = open(full, flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int sysctl_read(enum ip_family family, const char *device, const char *name, int32_t *ret_value)
{
    const struct setting setting = setting_make(family, device, name, 0);
    int fd CLEANUP(cleanup_fd) = -1;
    char text[32];
    ssize_t len;
    char *end;
    long value;

    fd = open_setting(&setting, O_RDONLY);
    if (fd < 0)
        return fd;
    len = read(fd, text, sizeof(text) - 1);
    if (len < 0)
        return -errno;
    text[len] = '\0';
    value = strtol(text, &end, 10);
    if (end == text || value < INT32_MIN || value > INT32_MAX)
        return -EBADMSG;
    *ret_value = (int32_t)value;
    return 0;
}

static int write_proc(const struct setting *setting)
{
    int fd CLEANUP(cleanup_fd) = open_setting(setting, O_WRONLY);
    char text[16];
    int len;

    if (fd < 0)
        return fd;
    /* Without a newline: `forwarding` takes the number alone and calls the rest a short write. */
    len = snprintf(text, sizeof(text), "%d", setting->value);
    return write(fd, text, (size_t)len) == len ? 0 : -errno;
}

static int write_netlink(struct netlink *netlink, const struct setting *setting)
{
    struct rtnl_link *same = rtnl_link_alloc();
    struct rtnl_link *change = rtnl_link_alloc();
    unsigned ifindex = if_nametoindex(setting->device);
    int id = rtnl_link_inet_str2devconf(setting->name);
    struct nl_msg *message = NULL;
    int r = -ENOMEM;

    if (same != NULL && change != NULL) {
        rtnl_link_set_ifindex(same, (int)ifindex);
        r = rtnl_link_inet_set_conf(change, (unsigned)id, (uint32_t)setting->value);
        if (r >= 0)
            r = rtnl_link_build_change_request(same, change, 0, &message);
        r = netlink_error(MIN_OF(r, 0));
    }
    rtnl_link_put(same);
    rtnl_link_put(change);
    if (ifindex == 0)
        r = -ENODEV;
    if (r < 0) {
        nlmsg_free(message);
        return r;
    }
    return netlink_execute(netlink, message);
}

int sysctl_write(struct netlink *netlink, const struct setting *setting)
{
    bool by_netlink = setting->family == FAMILY_IPV4 && strcmp(setting->device, "all") != 0 &&
                      strcmp(setting->device, SETTING_OF_FAMILY) != 0;

    if (by_netlink && strcmp(setting->name, "forwarding") == 0 && write_proc(setting) == 0)
        return 0;
    return by_netlink ? write_netlink(netlink, setting) : write_proc(setting);
}
