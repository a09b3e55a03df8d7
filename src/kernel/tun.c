/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tun device: ioctls for its life, netlink for its settings. */
#include "kernel/tun.h"

#include "kernel/offload.h"
#include "kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet.h>
#include <netlink/route/link/inet6.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#ifndef IN6_ADDR_GEN_MODE_NONE
#define IN6_ADDR_GEN_MODE_NONE 1 /* linux/if_link.h, which libnl's headers keep out */
#endif

/*
 * A device that forwards joins the routers' group when it is made, and would tell so. It leaves it
 * in silence while it hears no more than MLDv1 asks for, and does not join again: with the flag
 * IFF_MULTICAST off, which tun_configure() sees to, `all` may forward later.
 */
const struct tun_quiet tun_quiet[TUN_QUIET_COUNT] = {
    {"disable_ipv6", 0},         {"accept_ra", 0},         {"autoconf", 0},
    {"router_solicitations", 0}, {"force_mld_version", 1}, {"forwarding", 0},
};

static bool may_administrate_network(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, data) < 0)
        return true; /* let the kernel refuse what it will */
    return (data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN)) != 0;
}

int tun_check_permission(struct fault *fault)
{
    if (may_administrate_network())
        return 0;
    return fault_explain(fault, -EPERM,
                         "CAP_NET_ADMIN is missing: run as root, or give this process the "
                         "capability (a container: --cap-add=NET_ADMIN)");
}

static int open_refused(int error, struct fault *fault)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return fault_explain(fault, -EPERM,
                             "no permission for /dev/net/tun: run as root, or let this user read "
                             "and write it (a container: --device=/dev/net/tun)");
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return fault_explain(fault, -ENXIO,
                             "there is no /dev/net/tun: load the module `tun` (a container: "
                             "--device=/dev/net/tun, with the module loaded on its host)");
    default:
        return fault_set(fault, -error, "/dev/net/tun");
    }
}

static int attaching_refused(const struct tun *tun, int error, struct fault *fault)
{
    if (error == EBUSY && tun->attached == 0)
        return fault_explain(fault, -EEXIST,
                             "there is a link named %s already, which is not ours: choose another "
                             "[tun] name, or remove it",
                             tun->name);
    return fault_set(fault, -error, "making queue %u of the tun device %s", tun->attached,
                     tun->name);
}

/* Without an owner anybody who can open /dev/net/tun attaches a queue more, and gets packets. */
static int keep_to_ourselves(const struct tun *tun, struct fault *fault)
{
    if (ioctl(tun->fds[0], TUNSETOWNER, (unsigned long)geteuid()) < 0)
        return fault_set(fault, -errno, "%s: making it our own", tun->name);
    return 0;
}

/* The next descriptor becomes a queue of the device; the first one makes it. */
static int attach_queue(struct tun *tun, struct fault *fault)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};

    if (tun->queues > 1)
        request.ifr_flags |= IFF_MULTI_QUEUE;
    if (tun->attached == 0) /* or it would join one that somebody has made to stay */
        request.ifr_flags |= (short)IFF_TUN_EXCL;
    memcpy(request.ifr_name, tun->name, sizeof(request.ifr_name));
    if (ioctl(tun->fds[tun->attached], TUNSETIFF, &request) < 0)
        return attaching_refused(tun, errno, fault);
    if (tun->attached++ > 0)
        return 0;
    tun->made = if_nametoindex(tun->name);
    return keep_to_ourselves(tun, fault);
}

static int attach(struct tun *tun, struct fault *fault)
{
    int r = 0;

    while (tun->attached < tun->queues && r == 0)
        r = attach_queue(tun, fault);
    if (r < 0)
        return r;
    tun->ifindex = if_nametoindex(tun->name);
    if (tun->ifindex == 0)
        return fault_set(fault, -errno, "the tun device %s vanished", tun->name);
    r = offload_set_header(tun->fds[0]);
    return r < 0 ? fault_set(fault, r, "%s: asking for virtio-net headers", tun->name) : 0;
}

static int request_offloads(const struct tun *tun, struct fault *fault)
{
    int r = tun->partial_checksums ? offload_request(tun->fds[0], tun->offloads)
                                   : offload_request_none(tun->fds[0]);

    return r < 0 ? fault_set(fault, r, "%s: setting its offloads", tun->name) : 0;
}

/* What the kernel takes when it is written need not be what it can give. */
static void try_offloads(struct tun *tun)
{
    tun->offloads = offload_probe(tun->fds[0]);
    for (unsigned i = 0; i < OFFLOAD_CLASS_COUNT; i++) {
        if (offload_request(tun->fds[0], tun->offloads & 1u << i) < 0)
            tun->offloads &= ~(1u << i);
    }
}

static int open_queues(struct tun *tun, unsigned queues, struct fault *fault)
{
    for (tun->queues = 0; tun->queues < queues; tun->queues++) {
        int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0)
            return open_refused(errno, fault);
        tun->fds[tun->queues] = fd;
    }
    return 0;
}

int tun_open(struct tun *tun, const struct config_tun *config, struct fault *fault)
{
    int r = open_queues(tun, config->queues, fault);

    snprintf(tun->name, sizeof(tun->name), "%s", config->name);
    if (r == 0)
        r = attach(tun, fault);
    if (r == 0 && config->offload) {
        tun->partial_checksums = true;
        try_offloads(tun);
    }
    if (r == 0)
        r = request_offloads(tun, fault);
    if (r < 0)
        tun_close(tun);
    return r;
}

int tun_discard(const struct tun *tun, struct netlink *netlink, struct fault *fault)
{
    struct rtnl_link *link = rtnl_link_alloc();
    struct nl_msg *message = NULL;
    int r = -NLE_NOMEM;

    if (link != NULL) {
        rtnl_link_set_ifindex(link, (int)tun->ifindex);
        r = rtnl_link_build_delete_request(link, &message);
    }
    rtnl_link_put(link);
    r = netlink_error(MIN_OF(r, 0));
    if (r == 0)
        r = netlink_execute(netlink, message);
    if (r == 0 || r == -ENODEV)
        return 0;
    return fault_set(fault, r, "%s: deleting it under its other name", tun->name);
}

/* A device that is gone has taken its queues with it; one that lacks some is completed. */
int tun_recreate(struct tun *tun, struct fault *fault)
{
    int r;

    if (tun->ifindex != 0 || tun->made == 0 || if_nametoindex(tun->name) != tun->made)
        tun->attached = 0;
    tun->ifindex = 0;
    r = attach(tun, fault);
    return r < 0 ? r : request_offloads(tun, fault);
}

int tun_set_group(const struct tun *tun, gid_t group)
{
    return ioctl(tun->fds[0], TUNSETGROUP, (unsigned long)group) < 0 ? -errno : 0;
}

int tun_give_up_offload(struct tun *tun, enum offload_class class, struct fault *fault)
{
    int r;

    if ((tun->offloads & 1u << class) == 0)
        return 0;
    tun->offloads &= ~(1u << class);
    r = request_offloads(tun, fault);
    return r < 0 ? r : 1;
}

void tun_close(struct tun *tun)
{
    for (unsigned i = 0; i < tun->queues; i++)
        close(tun->fds[i]);
    *tun = TUN_INIT;
}

static bool is_configured(const struct device *device, const struct tun_settings *settings)
{
    return (device->flags & (IFF_UP | IFF_MULTICAST)) == IFF_UP && device->mtu == settings->mtu &&
           device->queue_packets != 0 && device->group == settings->group &&
           device->rp_filter == settings->rp_filter && device->accept_local == 1 &&
           device->forwarding == 1;
}

/* The message that changes DEVICE into what SETTINGS say and sets it up. */
static int build_change(const struct device *device, const struct tun_settings *settings,
                        struct nl_msg **ret_message)
{
    struct rtnl_link *same = rtnl_link_alloc();
    struct rtnl_link *change = rtnl_link_alloc();
    int r = -NLE_NOMEM;

    if (same != NULL && change != NULL) {
        rtnl_link_set_ifindex(same, (int)device->ifindex);
        rtnl_link_set_mtu(change, settings->mtu);
        rtnl_link_set_group(change, settings->group);
        if ((device->flags & IFF_UP) == 0 || device->queue_packets == 0)
            rtnl_link_set_txqlen(change, TUN_QUEUE_PACKETS);
        rtnl_link_set_flags(change, IFF_UP);
        rtnl_link_unset_flags(change, IFF_MULTICAST);
        r = rtnl_link_inet_set_conf(change, IPV4_DEVCONF_ACCEPT_LOCAL, 1);
        if (r >= 0)
            r = rtnl_link_inet_set_conf(change, IPV4_DEVCONF_FORWARDING, 1);
        if (r >= 0)
            r = rtnl_link_inet_set_conf(change, IPV4_DEVCONF_RP_FILTER,
                                        (uint32_t)settings->rp_filter);
        if (r >= 0)
            r = rtnl_link_build_change_request(same, change, 0, ret_message);
    }
    rtnl_link_put(same);
    rtnl_link_put(change);
    return netlink_error(MIN_OF(r, 0));
}

/* Before the device is up: afterwards the kernel has made its link-local address already. */
static int make_quiet(const struct tun *tun, struct netlink *netlink)
{
    struct rtnl_link *same = rtnl_link_alloc();
    struct rtnl_link *change = rtnl_link_alloc();
    struct nl_msg *message = NULL;
    int r = -NLE_NOMEM;

    if (same != NULL && change != NULL) {
        rtnl_link_set_ifindex(same, (int)tun->ifindex);
        r = rtnl_link_inet6_set_addr_gen_mode(change, IN6_ADDR_GEN_MODE_NONE);
        if (r >= 0)
            r = rtnl_link_build_change_request(same, change, 0, &message);
    }
    rtnl_link_put(same);
    rtnl_link_put(change);
    r = netlink_error(MIN_OF(r, 0));
    if (r < 0)
        return r;
    r = netlink_execute(netlink, message);
    for (size_t i = 0; i < TUN_QUIET_COUNT && r == 0; i++) {
        const struct setting setting =
            setting_make(FAMILY_IPV6, tun->name, tun_quiet[i].name, tun_quiet[i].value);

        r = sysctl_write(netlink, &setting);
    }
    return r;
}

int tun_configure(const struct tun *tun, const struct device *device,
                  const struct tun_settings *settings, struct netlink *netlink, struct fault *fault)
{
    struct nl_msg *message = NULL;
    int r = 0;

    if (is_configured(device, settings))
        return 0;
    if (settings->has_ipv6 && (device->flags & IFF_UP) == 0)
        r = make_quiet(tun, netlink);
    if (r < 0)
        return fault_set(fault, r, "%s: keeping IPv6 quiet", tun->name);
    r = build_change(device, settings, &message);
    if (r == 0)
        r = netlink_execute(netlink, message);
    return r < 0 ? fault_set(fault, r, "%s: setting it up", tun->name) : 1;
}
