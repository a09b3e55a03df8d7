/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many changes in one system call, with one acknowledgement. */
#include "kernel/netlink_batch.h"

#include "kernel/netlink_state.h"

#include <errno.h>
#include <string.h>

void netlink_batch_begin(struct netlink *netlink, netlink_failure_fn *failure, void *context)
{
    struct netlink_batch *batch = &netlink->batch;

    batch->failure = failure;
    batch->failure_context = context;
    batch->used = 0;
    batch->count = 0;
}

/* Reads until the last of COUNT messages is acknowledged; reports each refusal. */
static int collect(struct netlink *netlink, unsigned count)
{
    const struct netlink_batch *batch = &netlink->batch;

    for (;;) {
        struct nlmsghdr *header;
        int left, r = netlink_receive(netlink, &header, &left);

        if (r < 0)
            return r;
        for (; nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
            uint32_t index = header->nlmsg_seq - batch->first;
            int error;

            if (header->nlmsg_type != NLMSG_ERROR || index >= count)
                continue;
            error = netlink_take_error(netlink, header);
            if (error < 0)
                batch->failure(batch->failure_context, batch->tags[index], error, netlink->refusal);
            if (index == count - 1)
                return 0;
        }
    }
}

/* The last of the messages that wait, of which there is one at least. */
static struct nlmsghdr *last_message(const struct netlink_batch *batch)
{
    struct nlmsghdr *last = (struct nlmsghdr *)(void *)batch->bytes;
    size_t offset = 0;

    for (unsigned i = 1; i < batch->count; i++) {
        offset += NLMSG_ALIGN(last->nlmsg_len);
        last = (struct nlmsghdr *)(void *)(batch->bytes + offset);
    }
    return last;
}

int netlink_batch_flush(struct netlink *netlink)
{
    struct netlink_batch *batch = &netlink->batch;
    unsigned count = batch->count;
    int r;

    if (count == 0)
        return 0;
    last_message(batch)->nlmsg_flags |= NLM_F_ACK;
    r = netlink_send(netlink, batch->bytes, batch->used);
    batch->used = 0;
    batch->count = 0;
    return r < 0 ? r : collect(netlink, count);
}

/* Gives HEADER, which there is room for, the next sequence number and copies it. */
static void append(struct netlink *netlink, struct nlmsghdr *header, void *tag)
{
    struct netlink_batch *batch = &netlink->batch;
    size_t need = NLMSG_ALIGN(header->nlmsg_len);

    header->nlmsg_seq = ++netlink->sequence;
    header->nlmsg_flags |= NLM_F_REQUEST;
    if (batch->count == 0)
        batch->first = header->nlmsg_seq;
    memset(batch->bytes + batch->used, 0, need);
    memcpy(batch->bytes + batch->used, header, header->nlmsg_len);
    batch->used += need;
    batch->tags[batch->count++] = tag;
}

int netlink_batch_add(struct netlink *netlink, struct nl_msg *message, void *tag)
{
    const struct netlink_batch *batch = &netlink->batch;
    size_t need;
    int r = 0;

    if (message == NULL)
        return -ENOMEM;
    need = NLMSG_ALIGN(nlmsg_hdr(message)->nlmsg_len);
    if (batch->count == NETLINK_BATCH_MESSAGES || need > NETLINK_BATCH_BYTES - batch->used)
        r = netlink_batch_flush(netlink);
    if (r == 0 && need > NETLINK_BATCH_BYTES)
        r = -EMSGSIZE;
    if (r == 0)
        append(netlink, nlmsg_hdr(message), tag);
    nlmsg_free(message);
    return r;
}
