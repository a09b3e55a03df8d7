/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opens TCP connections as fast as it can and resets each once it stands; prints how many.
 *
 *     connect ADDRESS PORT MILLISECONDS
 *
 * AT_ONCE are under way at a time. One that is refused or times out counts as failed. A reset
 * leaves nothing in TIME-WAIT, so ports come round again as often as they are needed.
 */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { AT_ONCE = 64 };

struct peer {
    struct sockaddr_storage address;
    socklen_t length;
};

static void begin(int epoll, const struct peer *peer)
{
    struct epoll_event event = {.events = EPOLLOUT};
    int fd = socket(peer->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        die("socket");
    if (connect(fd, (const struct sockaddr *)&peer->address, peer->length) < 0 &&
        errno != EINPROGRESS)
        die("connect");
    event.data.fd = fd;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll");
}

/* Whether the connection stood. */
static bool end(int fd)
{
    const struct linger reset = {.l_onoff = 1};
    int error = 0;
    socklen_t length = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
        die("socket option");
    close(fd);
    return error == 0;
}

int main(int argc, char **argv)
{
    struct epoll_event events[AT_ONCE];
    uint64_t start, until, done = 0, failed = 0;
    struct peer peer;
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (argc != 4) {
        errno = EINVAL;
        die("usage: connect ADDRESS PORT MILLISECONDS");
    }
    peer.length = address_of(argv[1], argv[2], &peer.address);
    start = now_ns();
    until = start + number(argv[3], 1, 600000) * 1000000;
    for (unsigned i = 0; i < AT_ONCE; i++)
        begin(epoll, &peer);
    while (now_ns() < until) {
        int count = epoll_wait(epoll, events, AT_ONCE, 100);

        for (int i = 0; i < count; i++) {
            *(end(events[i].data.fd) ? &done : &failed) += 1;
            begin(epoll, &peer);
        }
    }
    printf("{\"connections\": %llu, \"failed\": %llu, \"seconds\": %.6f}\n",
           (unsigned long long)done, (unsigned long long)failed,
           (double)(now_ns() - start) / (double)NS_PER_S);
    return 0;
}
