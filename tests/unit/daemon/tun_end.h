/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A socket in place of a tun queue: it keeps the borders of packets too. What is sent into `far`
 * comes to the daemon through `fd`, and what it writes can be read from `far`.
 */
#ifndef IPMODD_TESTS_TUN_END_H
#define IPMODD_TESTS_TUN_END_H

#include "../unit.h"

#include <sys/socket.h>
#include <unistd.h>

struct tun_end {
    int fd;
    int far;
};

static inline struct tun_end tun_end_open(void)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    return (struct tun_end){ends[0], ends[1]};
}

static inline void tun_end_close(struct tun_end *end)
{
    close(end->fd);
    close(end->far);
}

#endif
