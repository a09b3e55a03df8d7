/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes TCP connections of both families and closes them at once, until SIGTERM.
 *
 *     accept PORT
 */
#include "tool.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

enum { BACKLOG = 4096, POLL_MS = 50 };

static int listen_on(uint16_t port)
{
    const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, BACKLOG) < 0)
        die("listen");
    return fd;
}

int main(int argc, char **argv)
{
    struct pollfd listener = {.events = POLLIN};

    if (argc != 2) {
        errno = EINVAL;
        die("usage: accept PORT");
    }
    stop_on_sigterm();
    listener.fd = listen_on((uint16_t)number(argv[1], 1, UINT16_MAX));
    say_ready();
    while (!stop_wanted()) {
        int fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0)
            close(fd);
        else if (errno == EAGAIN)
            poll(&listener, 1, POLL_MS);
        else if (errno != EINTR && errno != ECONNABORTED)
            die("accept");
    }
    return 0;
}
