/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of struct netlink, for the files that share it: netlink.c (the socket, single requests
 * and dumps) and netlink_batch.c.
 *
 * Every message that is sent has a sequence number of its own, and an answer belongs to the message
 * whose number it bears. Answers to what was given up on are passed over.
 */
#ifndef IPMODD_KERNEL_NETLINK_STATE_H
#define IPMODD_KERNEL_NETLINK_STATE_H

#include "kernel/netlink_batch.h"

#include <netlink/netlink.h>

enum {
    NETLINK_BATCH_BYTES = 48 * 1024,
    NETLINK_BATCH_MESSAGES = 256,
};

/* Changes that wait to be sent, or to be acknowledged. */
struct netlink_batch {
    uint8_t *bytes; /* NETLINK_BATCH_BYTES, owned */
    size_t used;
    unsigned count;
    uint32_t first; /* sequence number of tags[0] */
    void *tags[NETLINK_BATCH_MESSAGES];
    netlink_failure_fn *failure;
    void *failure_context;
};

struct netlink {
    struct nl_sock *socket;
    int fd;            /* owned by socket */
    uint32_t sequence; /* of the message that was made last */
    char refusal[160];
    uint8_t *received; /* one datagram, owned */
    struct netlink_batch batch;
};

/* Sends LEN BYTES of messages. 0 or -errno. */
int netlink_send(struct netlink *netlink, void *bytes, size_t len);

/* The messages of the kernel's next datagram, *RET_LEFT bytes, in `received` until the next call.
 * 0; -ETIMEDOUT or another -errno. */
int netlink_receive(struct netlink *netlink, struct nlmsghdr **ret_first, int *ret_left);

/* The -errno of the NLMSG_ERROR message HEADER, whose words are kept; 0: acknowledged. */
int netlink_take_error(struct netlink *netlink, const struct nlmsghdr *header);

#endif
