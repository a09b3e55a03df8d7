/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers every UDP datagram with itself.
 *
 *     rr_server PORT
 */
#include "tool.h"

#include <errno.h>
#include <netinet/in.h>

int main(int argc, char **argv)
{
    static uint8_t bytes[2048];
    int fd;

    if (argc != 2) {
        errno = EINVAL;
        die("usage: rr_server PORT");
    }
    fd = udp_bind((uint16_t)number(argv[1], 1, UINT16_MAX));
    say_ready();
    for (;;) {
        struct sockaddr_storage from;
        socklen_t size = sizeof(from);
        ssize_t length = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &size);

        if (length < 0)
            die("receive");
        /* An answer that cannot be sent is one that the client counts as lost. */
        (void)sendto(fd, bytes, (size_t)length, 0, (struct sockaddr *)&from, size);
    }
}
