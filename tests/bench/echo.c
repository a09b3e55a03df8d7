/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least that a program behind a tun device can do: read a packet, give its TTL back, write it.
 *
 *     echo NAME plain      one packet of the wire a read, as demos do
 *     echo NAME offload    with the kernel's offloads: super-packets pass whole
 *
 * Blocking reads, no event loop, no parsing: ipmodd does more for each packet and is compared with
 * this. Routes and rules are the caller's.
 */
#include "tool.h"
#include "ttl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Since Linux 6.2; Debian 12's headers are older. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

enum { LONGEST = sizeof(struct virtio_net_hdr) + 65536 };

static int tun_open(const char *name, short more_flags)
{
    struct ifreq request = {.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | more_flags)};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
        die("tun device %s", name);
    return fd;
}

static int tun_open_offload(const char *name)
{
    const unsigned long classes = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN |
                                  TUN_F_USO4 | TUN_F_USO6;
    int fd = tun_open(name, IFF_VNET_HDR);

    if (ioctl(fd, TUNSETOFFLOAD, classes) < 0)
        die("the offloads of %s", name);
    return fd;
}

/* HEADER: bytes of virtio-net header in front of each packet; they go back as they came. */
_Noreturn static void echo(int fd, size_t header)
{
    static uint8_t buffer[LONGEST];

    for (;;) {
        ssize_t length = read(fd, buffer, sizeof(buffer));

        if (length < 0)
            die("read");
        if ((size_t)length < header)
            continue;
        packet_return_ttl(buffer + header, (size_t)length - header);
        if (write(fd, buffer, (size_t)length) < 0 && errno != EIO && errno != EINVAL)
            die("write");
    }
}

int main(int argc, char **argv)
{
    int fd;
    size_t header = 0;

    if (argc == 3 && strcmp(argv[2], "plain") == 0) {
        fd = tun_open(argv[1], 0);
    } else if (argc == 3 && strcmp(argv[2], "offload") == 0) {
        fd = tun_open_offload(argv[1]);
        header = sizeof(struct virtio_net_hdr);
    } else {
        errno = EINVAL;
        die("usage: echo NAME plain|offload");
    }
    say_ready();
    echo(fd, header);
}
