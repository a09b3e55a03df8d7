/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receives UDP datagrams until SIGTERM, then prints how many came.
 *
 *     udp_count PORT PORTS
 *
 * One socket a port, both families, payload copied as a real receiver has it copied.
 */
#include "tool.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
    BATCH = 64,
    DATAGRAM = 2048,
    PORTS_MAX = 64,
};

struct tally {
    uint64_t datagrams;
    uint64_t bytes;
};

/* One batch; how many came. */
static unsigned int receive_batch(int fd, struct tally *tally)
{
    static uint8_t room[BATCH][DATAGRAM];
    static struct iovec vectors[BATCH];
    static struct mmsghdr messages[BATCH];
    int count;

    for (size_t i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){.iov_base = room[i], .iov_len = DATAGRAM};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    count = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
    if (count < 0 && errno != EAGAIN && errno != EINTR)
        die("receive");
    for (int i = 0; i < count; i++)
        tally->bytes += messages[i].msg_len;
    return count > 0 ? (unsigned int)count : 0;
}

static void drain(const struct pollfd *sockets, size_t count, struct tally *tally)
{
    for (size_t i = 0; i < count; i++) {
        unsigned int came;

        if ((sockets[i].revents & POLLIN) == 0)
            continue;
        do {
            came = receive_batch(sockets[i].fd, tally);
            tally->datagrams += came;
        } while (came == BATCH);
    }
}

int main(int argc, char **argv)
{
    struct pollfd sockets[PORTS_MAX];
    struct tally tally = {0};
    uint16_t port;
    size_t count;

    if (argc != 3) {
        errno = EINVAL;
        die("usage: udp_count PORT PORTS");
    }
    port = (uint16_t)number(argv[1], 1, UINT16_MAX - PORTS_MAX);
    count = (size_t)number(argv[2], 1, PORTS_MAX);
    for (size_t i = 0; i < count; i++)
        sockets[i] = (struct pollfd){.fd = udp_bind((uint16_t)(port + i)), .events = POLLIN};
    stop_on_sigterm();
    say_ready();

    while (!stop_wanted()) {
        if (poll(sockets, count, 50) > 0)
            drain(sockets, count, &tally);
    }
    printf("{\"datagrams\": %llu, \"bytes\": %llu}\n", (unsigned long long)tally.datagrams,
           (unsigned long long)tally.bytes);
    return 0;
}
