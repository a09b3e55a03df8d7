/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls that a packet's cost is held against. */
#include "yardstick.h"

#include "ipmodd/wire/virtio_net.h"
#include "tool.h"

#include <assert.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    SAMPLES = 255,
    SYSCALLS = 64, /* timed together */
};

static int compare_doubles(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

double median(const double *values, size_t count)
{
    double sorted[VALUES_MAX];

    memcpy(sorted, values, count * sizeof(*values));
    qsort(sorted, count, sizeof(*sorted), compare_doubles);
    return sorted[count / 2];
}

double yardstick_getppid_ns(void)
{
    double ns[SAMPLES];

    for (size_t i = 0; i < SAMPLES; i++) {
        uint64_t begin = now_ns();

        for (int j = 0; j < SYSCALLS; j++)
            syscall(SYS_getppid);
        ns[i] = (double)(now_ns() - begin) / SYSCALLS;
    }
    return median(ns, SAMPLES);
}

int yardstick_open_tun(void)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    int fd, control;

    if (unshare(CLONE_NEWNET) < 0)
        return -1;
    fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || control < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
        return -1;
    request.ifr_flags = IFF_UP;
    if (ioctl(control, SIOCSIFFLAGS, &request) < 0)
        return -1;
    close(control);
    return fd;
}

double yardstick_write_ns(int tun, const uint8_t *packet, size_t length)
{
    uint8_t bytes[VNET_HEADER + YARDSTICK_PACKET_MAX] = {0};
    double ns[SAMPLES];

    assert(length <= YARDSTICK_PACKET_MAX);
    memcpy(bytes + VNET_HEADER, packet, length);
    length += VNET_HEADER;
    for (size_t i = 0; i < SAMPLES; i++) {
        uint64_t begin = now_ns();

        for (int j = 0; j < SYSCALLS; j++) {
            if (write(tun, bytes, length) != (ssize_t)length)
                die("write to tun");
        }
        ns[i] = (double)(now_ns() - begin) / SYSCALLS;
    }
    return median(ns, SAMPLES);
}
