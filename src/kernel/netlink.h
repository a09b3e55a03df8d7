/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netlink: how everything in this folder talks to the kernel.
 *
 * A struct netlink is one request socket: single requests with their answer, dumps that start again
 * when the kernel says that they were interrupted, and batches of changes (netlink_batch.h).
 *
 * Messages are built with libnl's nlmsg_ and nla_ functions. libnl's own error numbers become errno
 * here and nowhere else. Requests carry the kernel's own words for a refusal
 * (netlink_refusal()) where it has some.
 */
#ifndef IPMODD_KERNEL_NETLINK_H
#define IPMODD_KERNEL_NETLINK_H

#include "kernel/fault.h"

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <stdint.h>

struct netlink;

/* A connected request socket, or -errno with FAULT set. */
int netlink_open(struct fault *fault, struct netlink **ret_netlink);

/* NULL is allowed. */
void netlink_close(struct netlink *netlink);

/* Connects SOCKET to the kernel's routing. 0 or -errno. */
struct nl_sock;
int netlink_connect(struct nl_sock *socket);

/* The -errno for libnl's -NLE_ code; 0 and positive values pass through. */
int netlink_error(int code);

/* The sender's number in messages about what was changed by NETLINK: nlmsg_pid. */
uint32_t netlink_port(const struct netlink *netlink);

/* Enlarges FD's receive buffer to BYTES as far as this process may. */
void netlink_enlarge_buffer(int fd, int bytes);

/* Sends MESSAGE (consumed, NULL = -ENOMEM) and waits for its acknowledgement. 0 or -errno. */
int netlink_execute(struct netlink *netlink, struct nl_msg *message);

/* Sends MESSAGE (consumed) and hands the one answer to ITEM, whose result it returns. */
typedef int netlink_item_fn(void *context, const struct nlmsghdr *message);
int netlink_query(struct netlink *netlink, struct nl_msg *message, netlink_item_fn *item,
                  void *context);

/* The kernel's words for refusing what was sent last, or "". */
const char *netlink_refusal(const struct netlink *netlink);

/* What the NLMSG_DONE message HEADER of a dump says: 0, or the -errno that ended it too early. */
int netlink_done_error(const struct nlmsghdr *header);

/*
 * Sends the dump request MESSAGE (consumed) and hands every object to ITEM. When the kernel says
 * that its tables changed meanwhile, RESTART must forget what ITEM collected, and the dump begins
 * again. Stops at the first negative result of ITEM and returns it. -ENOENT: the routing table that
 * was asked for does not exist; no route was ever put into it.
 */
typedef void netlink_restart_fn(void *context);
int netlink_dump(struct netlink *netlink, struct nl_msg *message, netlink_item_fn *item,
                 netlink_restart_fn *restart, void *context);

#endif
