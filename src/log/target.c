/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hands entries to journald's socket or to stderr without ever waiting for either. */
#include "target.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

bool stream_is_journal(int fd, const char *journal_stream)
{
    unsigned long long device, inode;
    struct stat status;
    char rest;

    if (journal_stream == NULL ||
        sscanf(journal_stream, "%llu:%llu%c", &device, &inode, &rest) != 2)
        return false;
    if (fstat(fd, &status) < 0)
        return false;
    return status.st_dev == device && status.st_ino == inode;
}

/* Room for a burst such as the statistics of many rules: the default holds some 150 entries. */
static void widen(int fd)
{
    const int bytes = 1 << 20;

    /* The first form passes the host's limit, for those who may. */
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

int journal_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        int error = -errno;

        close(fd);
        return error;
    }
    widen(fd);
    return fd;
}

int journal_send(int fd, const void *bytes, size_t length)
{
    return send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int stream_send(int fd, const char *line)
{
    struct iovec parts[] = {
        {.iov_base = (char *)line, .iov_len = strlen(line)},
        {.iov_base = (char *)"\n", .iov_len = 1},
    };
    struct pollfd ready = {.fd = fd, .events = POLLOUT};

    /* O_NONBLOCK belongs to the open file, which a shell or a pager may share: poll() instead. A
     * pipe that is ready takes PIPE_BUF bytes at once, and a line is shorter than that. */
    if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)
        return -EAGAIN;
    return writev(fd, parts, 2) < 0 ? -errno : 0;
}
