/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TTL that the kernel took, and how it is asked for packets and given them. */
#include "live.h"

#include "ipmodd/wire/checksum.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"

#include <sys/syscall.h>
#include <unistd.h>

void live_raise_ttl(uint8_t *bytes, enum ip_family family)
{
    uint8_t *checksum = bytes + IP4_CHECKSUM;
    uint16_t word = be16_load(bytes + IP4_TTL);
    uint16_t raised = (uint16_t)(word + (1u << 8));

    if (family == FAMILY_IPV6) {
        bytes[IP6_HOP_LIMIT]++;
        return;
    }
    be16_store(bytes + IP4_TTL, raised);
    be16_store(checksum, checksum_adjust(be16_load(checksum), sum_change_word(0, word, raised)));
}

ssize_t live_read(int fd, void *bytes, size_t size)
{
    return syscall(SYS_read, fd, bytes, size);
}

ssize_t live_write(int fd, const void *bytes, size_t length)
{
    return syscall(SYS_write, fd, bytes, length);
}

ssize_t live_writev(int fd, const struct iovec *parts, int count)
{
    return syscall(SYS_writev, fd, parts, count);
}
