/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Monitor: the socket on which the kernel tells of changes.
 *
 * Opened before the first dump, so that nothing falls between. Our own additions to routes would
 * come back as 100,000 messages at a start and are filtered out inside the kernel; what else we do
 * comes back with the number of our request socket in nlmsg_pid. What was lost (ENOBUFS) is
 * reported as lost, and the caller reads everything again.
 */
#ifndef IPMODD_KERNEL_MONITOR_H
#define IPMODD_KERNEL_MONITOR_H

#include "kernel/fault.h"
#include "kernel/netlink.h"

struct monitor {
    struct nl_sock *socket;
    int fd; /* owned by socket; -1 = closed */
};

#define MONITOR_INIT ((struct monitor){.fd = -1})

int monitor_open(struct monitor *monitor, struct fault *fault);
void monitor_close(struct monitor *monitor);

/*
 * Hands what is waiting to ITEM, at most a bounded number of datagrams (the descriptor stays
 * readable if there are more). 0, -ENOBUFS if messages were lost, or -errno.
 */
int monitor_drain(struct monitor *monitor, netlink_item_fn *item, void *context);

#endif
