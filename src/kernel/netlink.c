/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The request socket: single requests and dumps. */
#include "kernel/netlink_state.h"

#include <errno.h>
#include <netlink/errno.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    RECEIVE_BYTES = 64 * 1024,      /* above the 32 KiB that the kernel puts into one dump part */
    SOCKET_BYTES = 4 * 1024 * 1024, /* room for the refusals of a whole batch */
    DUMP_TRIES = 10,
    ANSWER_SECONDS = 5, /* the kernel answers at once, unless it is in trouble itself */
};

int netlink_error(int code)
{
    static const int table[] = {
        [NLE_INTR] = EINTR,           [NLE_BAD_SOCK] = EBADF,
        [NLE_AGAIN] = EAGAIN,         [NLE_NOMEM] = ENOMEM,
        [NLE_EXIST] = EEXIST,         [NLE_INVAL] = EINVAL,
        [NLE_RANGE] = ERANGE,         [NLE_MSGSIZE] = EMSGSIZE,
        [NLE_OPNOTSUPP] = EOPNOTSUPP, [NLE_AF_NOSUPPORT] = EAFNOSUPPORT,
        [NLE_OBJ_NOTFOUND] = ENOENT,  [NLE_NOADDR] = EADDRNOTAVAIL,
        [NLE_MSG_OVERFLOW] = ENOBUFS, [NLE_NOACCESS] = EACCES,
        [NLE_PERM] = EPERM,           [NLE_BUSY] = EBUSY,
        [NLE_NODEV] = ENODEV,         [NLE_DUMP_INTR] = EAGAIN,
    };
    size_t index = (size_t)-code;

    if (code >= 0)
        return code;
    return index < ARRAY_SIZE(table) && table[index] != 0 ? -table[index] : -EIO;
}

void netlink_enlarge_buffer(int fd, int bytes)
{
    /* With CAP_NET_ADMIN the limit of net.core.rmem_max does not count. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static void enable_option(int fd, int option)
{
    int on = 1;

    /* Old kernels lack some of these; each only makes answers better. */
    setsockopt(fd, SOL_NETLINK, option, &on, sizeof(on));
}

static void limit_waiting(int fd)
{
    const struct timeval wait = {.tv_sec = ANSWER_SECONDS};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
}

/* For want of a descriptor libnl has no number of its own. */
int netlink_connect(struct nl_sock *socket)
{
    int r;

    errno = 0;
    r = nl_connect(socket, NETLINK_ROUTE);
    if (r < 0 && (errno == EMFILE || errno == ENFILE))
        return -errno;
    return netlink_error(MIN_OF(r, 0));
}

int netlink_open(struct fault *fault, struct netlink **ret_netlink)
{
    struct netlink *netlink = calloc(1, sizeof(*netlink));
    int r;

    if (netlink == NULL)
        return fault_set(fault, -ENOMEM, "netlink");
    netlink->socket = nl_socket_alloc();
    netlink->received = malloc(RECEIVE_BYTES);
    netlink->batch.bytes = malloc(NETLINK_BATCH_BYTES);
    if (netlink->socket == NULL || netlink->received == NULL || netlink->batch.bytes == NULL) {
        netlink_close(netlink);
        return fault_set(fault, -ENOMEM, "netlink");
    }
    r = netlink_connect(netlink->socket);
    if (r < 0) {
        netlink_close(netlink);
        return fault_set(fault, r, "netlink: socket");
    }
    netlink->fd = nl_socket_get_fd(netlink->socket);
    netlink_enlarge_buffer(netlink->fd, SOCKET_BYTES);
    limit_waiting(netlink->fd);
    enable_option(netlink->fd, NETLINK_EXT_ACK);
    enable_option(netlink->fd, NETLINK_CAP_ACK);
    enable_option(netlink->fd, NETLINK_GET_STRICT_CHK);
    *ret_netlink = netlink;
    return 0;
}

void netlink_close(struct netlink *netlink)
{
    if (netlink == NULL)
        return;
    nl_socket_free(netlink->socket);
    free(netlink->received);
    free(netlink->batch.bytes);
    free(netlink);
}

uint32_t netlink_port(const struct netlink *netlink)
{
    return nl_socket_get_local_port(netlink->socket);
}

const char *netlink_refusal(const struct netlink *netlink)
{
    return netlink->refusal;
}

int netlink_send(struct netlink *netlink, void *bytes, size_t len)
{
    netlink->refusal[0] = '\0';
    return netlink_error(MIN_OF(nl_sendto(netlink->socket, bytes, len), 0));
}

/* Sends MESSAGE with the next sequence number and FLAGS added; consumes it. */
static int send_message(struct netlink *netlink, struct nl_msg *message, uint16_t flags)
{
    struct nlmsghdr *header;
    int r;

    if (message == NULL)
        return -ENOMEM;
    header = nlmsg_hdr(message);
    header->nlmsg_seq = ++netlink->sequence;
    header->nlmsg_flags |= flags;
    r = netlink_send(netlink, header, header->nlmsg_len);
    nlmsg_free(message);
    return r;
}

int netlink_receive(struct netlink *netlink, struct nlmsghdr **ret_first, int *ret_left)
{
    ssize_t len;

    do {
        len = recv(netlink->fd, netlink->received, RECEIVE_BYTES, MSG_TRUNC);
    } while (len < 0 && errno == EINTR);
    if (len < 0)
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    if (len > RECEIVE_BYTES)
        return -EMSGSIZE;
    *ret_first = (struct nlmsghdr *)(void *)netlink->received;
    *ret_left = (int)len;
    return 0;
}

/* Keeps the kernel's words of the error message HEADER. */
static void keep_refusal(struct netlink *netlink, const struct nlmsghdr *header)
{
    const struct nlmsgerr *error = nlmsg_data(header);
    size_t skip = NLMSG_ALIGN(sizeof(*error));
    struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1];

    netlink->refusal[0] = '\0';
    if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0)
        return;
    if ((header->nlmsg_flags & NLM_F_CAPPED) == 0)
        skip += NLMSG_ALIGN(error->msg.nlmsg_len - NLMSG_HDRLEN);
    if (skip > (size_t)nlmsg_datalen(header))
        return;
    if (nla_parse(attrs, NLMSGERR_ATTR_MAX,
                  (struct nlattr *)(void *)((uint8_t *)nlmsg_data(header) + skip),
                  nlmsg_datalen(header) - (int)skip, NULL) < 0)
        return;
    if (attrs[NLMSGERR_ATTR_MSG] != NULL)
        nla_strlcpy(netlink->refusal, attrs[NLMSGERR_ATTR_MSG], sizeof(netlink->refusal));
}

int netlink_take_error(struct netlink *netlink, const struct nlmsghdr *header)
{
    const struct nlmsgerr *error = nlmsg_data(header);

    if (nlmsg_datalen(header) < (int)sizeof(*error))
        return -EBADMSG;
    keep_refusal(netlink, header);
    return error->error;
}

int netlink_done_error(const struct nlmsghdr *header)
{
    int error = 0;

    if (nlmsg_datalen(header) >= (int)sizeof(error))
        memcpy(&error, nlmsg_data(header), sizeof(error));
    return MIN_OF(error, 0);
}

/*
 * Reads until the request with the current sequence number is answered: by an error or
 * acknowledgement, by the end of a dump, or, if SINGLE, by one object.
 */
static int collect(struct netlink *netlink, bool single, netlink_item_fn *item, void *context,
                   bool *ret_interrupted)
{
    int result = 0;

    for (;;) {
        struct nlmsghdr *header;
        int left, r = netlink_receive(netlink, &header, &left);

        if (r < 0)
            return r;
        for (; nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
            if (header->nlmsg_seq != netlink->sequence)
                continue;
            if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
                *ret_interrupted = true;
            if (header->nlmsg_type == NLMSG_ERROR)
                return result < 0 ? result : netlink_take_error(netlink, header);
            if (header->nlmsg_type == NLMSG_DONE)
                return result < 0 ? result : netlink_done_error(header);
            if (result >= 0)
                result = item != NULL ? item(context, header) : 0;
            if (single)
                return result;
        }
    }
}

int netlink_execute(struct netlink *netlink, struct nl_msg *message)
{
    bool interrupted = false;
    int r = send_message(netlink, message, NLM_F_REQUEST | NLM_F_ACK);

    return r < 0 ? r : collect(netlink, false, NULL, NULL, &interrupted);
}

int netlink_query(struct netlink *netlink, struct nl_msg *message, netlink_item_fn *item,
                  void *context)
{
    bool interrupted = false;
    int r = send_message(netlink, message, NLM_F_REQUEST);

    return r < 0 ? r : collect(netlink, true, item, context, &interrupted);
}

int netlink_dump(struct netlink *netlink, struct nl_msg *message, netlink_item_fn *item,
                 netlink_restart_fn *restart, void *context)
{
    int r = message == NULL ? -ENOMEM : -EAGAIN;

    for (unsigned try = 0; try < DUMP_TRIES && r == -EAGAIN; try++) {
        bool interrupted = false;

        if (try > 0)
            restart(context);
        nlmsg_get(message); /* send_message() gives one reference back */
        r = send_message(netlink, message, NLM_F_REQUEST | NLM_F_DUMP);
        if (r < 0)
            break;
        r = collect(netlink, false, item, context, &interrupted);
        if ((r == 0 && interrupted) || r == -EBUSY)
            r = -EAGAIN; /* busy: with a dump whose end was not read because of an error */
    }
    nlmsg_free(message);
    return r;
}
