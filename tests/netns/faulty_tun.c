/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets the tun device refuse kinds of super-packets, as some kernels do; linked into ipmodd for a
 * test (see faulty.c).
 *
 * IPMODD_REFUSED_GSO=TYPE:NUMBER: writes with that gso_type of the virtio-net header (decimal) fail
 * with EINVAL from number NUMBER on, counted from 1. The first of each type is the trial at the
 * start.
 *
 * IPMODD_REFUSED_TUN=PATH: while that file is there no queue can be attached to a device (EBUSY).
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MISC_MAJOR = 10, TUN_MINOR = 200 };

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
ssize_t __real_write(int fd, const void *buffer, size_t size);
ssize_t __wrap_write(int fd, const void *buffer, size_t size);
ssize_t __real_live_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_live_write(int fd, const void *bytes, size_t length);
ssize_t __real_live_writev(int fd, const struct iovec *parts, int count);
ssize_t __wrap_live_writev(int fd, const struct iovec *parts, int count);

static bool is_tun(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
           status.st_rdev == makedev(MISC_MAJOR, TUN_MINOR);
}

/* Whether a packet with the virtio-net header at HEADER is refused; counts those of the type. */
static bool is_refused(int fd, const uint8_t *header)
{
    static unsigned long written;
    const char *text = getenv("IPMODD_REFUSED_GSO");
    unsigned type;
    unsigned long number;

    if (text == NULL || sscanf(text, "%u:%lu", &type, &number) != 2 || !is_tun(fd) ||
        header[1] != type)
        return false;
    return ++written >= number;
}

ssize_t __wrap_write(int fd, const void *buffer, size_t size)
{
    if (size < 2 || !is_refused(fd, buffer))
        return __real_write(fd, buffer, size);
    errno = EINVAL;
    return -1;
}

ssize_t __wrap_live_write(int fd, const void *bytes, size_t length)
{
    if (length < 2 || !is_refused(fd, bytes))
        return __real_live_write(fd, bytes, length);
    errno = EINVAL;
    return -1;
}

ssize_t __wrap_live_writev(int fd, const struct iovec *parts, int count)
{
    if (count < 1 || parts[0].iov_len < 2 || !is_refused(fd, parts[0].iov_base))
        return __real_live_writev(fd, parts, count);
    errno = EINVAL;
    return -1;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    const char *refused = getenv("IPMODD_REFUSED_TUN");
    va_list arguments;
    void *argument;

    va_start(arguments, request);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    if (request != TUNSETIFF || refused == NULL || access(refused, F_OK) < 0)
        return __real_ioctl(fd, request, argument);
    errno = EBUSY;
    return -1;
}
