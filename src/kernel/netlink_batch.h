/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batch: many changes of routes in few system calls.
 *
 * Messages are gathered in a buffer of the request socket and sent together, with one
 * acknowledgement asked for at the end. The kernel reports each failure on the way by its sequence
 * number, so nothing waits for a change that worked, and one that was refused stops none behind it.
 *
 * One batch at a time: between netlink_batch_begin() and netlink_batch_flush() the socket does
 * nothing else. The transport's errors are results; the kernel's refusals go to the callback.
 */
#ifndef IPMODD_KERNEL_NETLINK_BATCH_H
#define IPMODD_KERNEL_NETLINK_BATCH_H

#include "kernel/netlink.h"

/* The kernel has refused the message that was queued with TAG; its words, or "". */
typedef void netlink_failure_fn(void *context, void *tag, int error, const char *refusal);

/* Who hears of refusals from now on. What a batch that was given up has left is thrown away. */
void netlink_batch_begin(struct netlink *netlink, netlink_failure_fn *failure, void *context);

/*
 * Queues MESSAGE (consumed); what waited goes out when it fills a buffer. TAG comes back in the
 * failure callback when the kernel refuses this message. 0 or -errno of the transport.
 */
int netlink_batch_add(struct netlink *netlink, struct nl_msg *message, void *tag);

/* Sends the rest and waits until the kernel has done all. 0 or -errno of the transport. */
int netlink_batch_flush(struct netlink *netlink);

#endif
