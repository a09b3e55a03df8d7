/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets the kernel's answer to one netlink request fail; linked into ipmodd for a test.
 *
 * The linker's --wrap leads nl_sendto() and recv() of the program here, so what is installed has no
 * hook at all. IPMODD_FAULT=KIND:NUMBER says which request of the process (counted from 1, a batch
 * counts as one), and what happens to it; the file IPMODD_FAULT_HIT is made when it is reached.
 */
#include <errno.h>
#include <fcntl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum kind {
    KIND_EEXIST,      /* each message of the request is refused and nothing is done */
    KIND_ENOBUFS,     /* it is done, and the answer does not fit */
    KIND_EINTR,       /* a signal interrupts the reading of the answer */
    KIND_TIMEOUT,     /* it is done, and the answer comes too late */
    KIND_INTERRUPTED, /* if it is a dump: something changed meanwhile */
    KIND_UNSTABLE,    /* the same for this dump and all later ones */
    KIND_COUNT,
};

static const char *const kind_names[] = {
    [KIND_EEXIST] = "eexist",   [KIND_ENOBUFS] = "enobufs",         [KIND_EINTR] = "eintr",
    [KIND_TIMEOUT] = "timeout", [KIND_INTERRUPTED] = "interrupted", [KIND_UNSTABLE] = "unstable",
};

static struct {
    enum kind kind;
    unsigned long number; /* 0 = no fault is asked for */
    unsigned long sent;
    int fd;          /* of the request whose answer is to fail; -1 = none */
    uint8_t *answer; /* in place of the kernel's */
    size_t answer_len;
} fault = {.fd = -1};

ssize_t __real_recv(int fd, void *buffer, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags);
int __real_nl_sendto(struct nl_sock *socket, void *buffer, size_t size);
int __wrap_nl_sendto(struct nl_sock *socket, void *buffer, size_t size);

static void read_environment(void)
{
    const char *text = getenv("IPMODD_FAULT");

    for (int kind = 0; text != NULL && kind < KIND_COUNT; kind++) {
        size_t len = strlen(kind_names[kind]);

        if (strncmp(text, kind_names[kind], len) != 0 || text[len] != ':')
            continue;
        fault.kind = (enum kind)kind;
        fault.number = strtoul(text + len + 1, NULL, 10);
    }
}

static void tell_hit(void)
{
    const char *path = getenv("IPMODD_FAULT_HIT");
    int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;

    if (fd >= 0)
        close(fd);
}

/* A refusal of each message in BUFFER. */
static void make_refusals(void *buffer, size_t size)
{
    int left = (int)size;

    fault.answer = calloc(size / sizeof(struct nlmsghdr), NLMSG_SPACE(sizeof(struct nlmsgerr)));
    fault.answer_len = 0;
    for (struct nlmsghdr *asked = buffer; nlmsg_ok(asked, left); asked = nlmsg_next(asked, &left)) {
        struct nlmsghdr *header = (struct nlmsghdr *)(void *)(fault.answer + fault.answer_len);
        struct nlmsgerr *error = NLMSG_DATA(header);

        header->nlmsg_len = NLMSG_LENGTH(sizeof(*error));
        header->nlmsg_type = NLMSG_ERROR;
        header->nlmsg_seq = asked->nlmsg_seq;
        error->error = -EEXIST;
        error->msg = *asked;
        fault.answer_len += NLMSG_SPACE(sizeof(*error));
    }
}

static bool is_dump(const void *buffer)
{
    const struct nlmsghdr *header = buffer;

    return (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

static bool is_meant(const void *buffer)
{
    if (fault.number == 0 || (fault.kind >= KIND_INTERRUPTED && !is_dump(buffer)))
        return false;
    return fault.sent == fault.number || (fault.kind == KIND_UNSTABLE && fault.sent > fault.number);
}

int __wrap_nl_sendto(struct nl_sock *socket, void *buffer, size_t size)
{
    if (fault.sent++ == 0)
        read_environment();
    if (fault.sent == fault.number)
        tell_hit();
    if (!is_meant(buffer))
        return __real_nl_sendto(socket, buffer, size);
    fault.fd = nl_socket_get_fd(socket);
    if (fault.kind != KIND_EEXIST)
        return __real_nl_sendto(socket, buffer, size);
    make_refusals(buffer, size);
    return (int)size;
}

static ssize_t fail_with(int error)
{
    fault.fd = -1;
    errno = error;
    return -1;
}

static ssize_t refuse(void *buffer, size_t size)
{
    size_t len = fault.answer_len < size ? fault.answer_len : size;

    memcpy(buffer, fault.answer, len);
    free(fault.answer);
    fault.answer = NULL;
    fault.fd = -1;
    return (ssize_t)len;
}

static ssize_t mark_interrupted(void *buffer, ssize_t len)
{
    int left = (int)len;

    for (struct nlmsghdr *header = buffer; nlmsg_ok(header, left);
         header = nlmsg_next(header, &left))
        header->nlmsg_flags |= NLM_F_DUMP_INTR;
    fault.fd = -1;
    return len;
}

ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags)
{
    if (fd != fault.fd)
        return __real_recv(fd, buffer, size, flags);
    switch (fault.kind) {
    case KIND_EEXIST:
        return refuse(buffer, size);
    case KIND_ENOBUFS:
        return fail_with(ENOBUFS);
    case KIND_EINTR:
        return fail_with(EINTR);
    case KIND_TIMEOUT:
        return fail_with(EAGAIN);
    case KIND_INTERRUPTED:
    case KIND_UNSTABLE:
        return mark_interrupted(buffer, __real_recv(fd, buffer, size, flags));
    case KIND_COUNT:
        break;
    }
    return __real_recv(fd, buffer, size, flags);
}
