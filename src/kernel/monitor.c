/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket on which the kernel tells of changes. */
#include "kernel/monitor.h"

#include "ipmodd/kernel/divert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

enum {
    RECEIVE_BYTES = 16 * 1024 * 1024, /* some 20,000 route messages */
    DATAGRAM_BYTES = 64 * 1024,
    DATAGRAMS_AT_ONCE = 512,
};

static const int groups[] = {
    RTNLGRP_LINK,         RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
    RTNLGRP_IPV6_ROUTE,   RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE,   RTNLGRP_IPV4_NETCONF,
    RTNLGRP_IPV6_NETCONF, RTNLGRP_NEXTHOP,
};

/*
 * Drops RTM_NEWROUTE with our protocol number. Loads are in network order, the fields in host
 * order: hence the htons().
 */
static int attach_filter(int fd)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_protocol)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DIVERT_PROTOCOL, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

    code[1].k = htons(RTM_NEWROUTE);
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno : 0;
}

static int configure(struct monitor *monitor)
{
    int r = netlink_connect(monitor->socket);

    if (r < 0)
        return r;
    monitor->fd = nl_socket_get_fd(monitor->socket);
    netlink_enlarge_buffer(monitor->fd, RECEIVE_BYTES);
    r = attach_filter(monitor->fd);
    for (size_t i = 0; i < ARRAY_SIZE(groups) && r == 0; i++) {
        r = netlink_error(nl_socket_add_membership(monitor->socket, groups[i]));
        if (groups[i] == RTNLGRP_NEXTHOP)
            r = 0; /* since Linux 5.3; a kernel without the group has no such objects */
    }
    return r < 0 ? r : netlink_error(nl_socket_set_nonblocking(monitor->socket));
}

int monitor_open(struct monitor *monitor, struct fault *fault)
{
    int r;

    monitor->socket = nl_socket_alloc();
    if (monitor->socket == NULL)
        return fault_set(fault, -ENOMEM, "netlink monitor");
    r = configure(monitor);
    if (r < 0) {
        monitor_close(monitor);
        return fault_set(fault, r, "netlink monitor");
    }
    return 0;
}

void monitor_close(struct monitor *monitor)
{
    nl_socket_free(monitor->socket);
    *monitor = MONITOR_INIT;
}

static void hand_out(uint8_t *bytes, int len, netlink_item_fn *item, void *context)
{
    for (struct nlmsghdr *header = (struct nlmsghdr *)(void *)bytes; nlmsg_ok(header, len);
         header = nlmsg_next(header, &len)) {
        if (header->nlmsg_type >= NLMSG_MIN_TYPE)
            item(context, header);
    }
}

int monitor_drain(struct monitor *monitor, netlink_item_fn *item, void *context)
{
    uint8_t *bytes CLEANUP(cleanup_free) = malloc(DATAGRAM_BYTES);

    if (bytes == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < DATAGRAMS_AT_ONCE; i++) {
        ssize_t len = recv(monitor->fd, bytes, DATAGRAM_BYTES, MSG_TRUNC);

        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return errno == EAGAIN ? 0 : -errno;
        if (len > DATAGRAM_BYTES)
            return -ENOBUFS;
        hand_out(bytes, (int)len, item, context);
    }
    return 0;
}
