/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets the kernel's answer to one netlink request fail; linked into ipmodd for a test.
 *
 * The linker's --wrap leads nl_sendto() and recv() of the program here, so what is installed has no
 * hook at all. The file IPMODD_FAULT holds KIND:NUMBER: which request (counted from 1 since the
 * file came; a batch counts as one), and what happens to it. The file IPMODD_FAULT_HIT is made when
 * it is reached. Another file in its place begins anew, in the middle of a run too.
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
#include <sys/stat.h>
#include <unistd.h>

enum kind {
    KIND_REFUSED,     /* each message of the request, by the kernel, and nothing is done */
    KIND_ENOBUFS,     /* it is done, and the answer does not fit */
    KIND_EINTR,       /* a signal interrupts the reading of the answer */
    KIND_TIMEOUT,     /* it is done, and the answer comes too late */
    KIND_INTERRUPTED, /* if it is a dump: something changed meanwhile */
    KIND_CUT,         /* if it is a dump: it ends with an error */
    KIND_UNSTABLE,    /* the same for this dump and all later ones */
};

static const struct {
    const char *name;
    enum kind kind;
    int error; /* of KIND_REFUSED and KIND_CUT */
} faults[] = {
    {"eexist", KIND_REFUSED, EEXIST}, {"einval", KIND_REFUSED, EINVAL},
    {"enodev", KIND_REFUSED, ENODEV}, {"enomem", KIND_REFUSED, ENOMEM},
    {"enobufs", KIND_ENOBUFS, 0},     {"eintr", KIND_EINTR, 0},
    {"timeout", KIND_TIMEOUT, 0},     {"interrupted", KIND_INTERRUPTED, 0},
    {"cut", KIND_CUT, ENOMEM},        {"unstable", KIND_UNSTABLE, 0},
};

static struct {
    enum kind kind;
    int error;
    unsigned long number; /* 0 = no fault is asked for */
    unsigned long sent;   /* requests since the file came */
    ino_t file;           /* that was read, and when it was made */
    struct timespec made;
    int fd;          /* of the request whose answer is to fail; -1 = none */
    uint8_t *answer; /* in place of the kernel's */
    size_t answer_len;
} fault = {.fd = -1};

ssize_t __real_recv(int fd, void *buffer, size_t size, int flags);
/* In the last of its datagrams, until which all come as they are. */
static ssize_t cut_dump(void *buffer, ssize_t len)
{
    const int error = -fault.error;
    int left = (int)len;

    for (struct nlmsghdr *header = buffer; nlmsg_ok(header, left);
         header = nlmsg_next(header, &left)) {
        if (header->nlmsg_type != NLMSG_DONE || nlmsg_datalen(header) < (int)sizeof(error))
            continue;
        memcpy(nlmsg_data(header), &error, sizeof(error));
        fault.fd = -1;
    }
    return len;
}

ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags);
int __real_nl_sendto(struct nl_sock *socket, void *buffer, size_t size);
int __wrap_nl_sendto(struct nl_sock *socket, void *buffer, size_t size);

/* KIND:NUMBER in TEXT; what is no such thing asks for no fault. */
static void read_fault(const char *text)
{
    const char *number = strchr(text, ':');

    fault.number = 0;
    fault.sent = 0;
    for (size_t i = 0; number != NULL && i < sizeof(faults) / sizeof(faults[0]); i++) {
        size_t len = strlen(faults[i].name);

        if (len != (size_t)(number - text) || strncmp(text, faults[i].name, len) != 0)
            continue;
        fault.kind = faults[i].kind;
        fault.error = faults[i].error;
        fault.number = strtoul(number + 1, NULL, 10);
    }
}

static bool is_new(const struct stat *status)
{
    return status->st_ino != fault.file || status->st_mtim.tv_sec != fault.made.tv_sec ||
           status->st_mtim.tv_nsec != fault.made.tv_nsec;
}

static void look_at_file(void)
{
    const char *path = getenv("IPMODD_FAULT");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    char text[64];
    struct stat status;
    ssize_t len;

    if (fd < 0)
        return;
    len = fstat(fd, &status) == 0 && is_new(&status) ? read(fd, text, sizeof(text) - 1) : -1;
    close(fd);
    if (len < 0)
        return;
    text[len] = '\0';
    fault.file = status.st_ino;
    fault.made = status.st_mtim;
    read_fault(text);
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
        error->error = -fault.error;
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
    look_at_file();
    if (++fault.sent == fault.number)
        tell_hit();
    if (!is_meant(buffer))
        return __real_nl_sendto(socket, buffer, size);
    fault.fd = nl_socket_get_fd(socket);
    if (fault.kind != KIND_REFUSED)
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
    case KIND_REFUSED:
        return refuse(buffer, size);
    case KIND_ENOBUFS:
        return fail_with(ENOBUFS);
    case KIND_EINTR:
        return fail_with(EINTR);
    case KIND_TIMEOUT:
        return fail_with(EAGAIN);
    case KIND_CUT:
        return cut_dump(buffer, __real_recv(fd, buffer, size, flags));
    case KIND_INTERRUPTED:
    case KIND_UNSTABLE:
        return mark_interrupted(buffer, __real_recv(fd, buffer, size, flags));
    }
    return __real_recv(fd, buffer, size, flags);
}
