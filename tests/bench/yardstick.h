/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Yardsticks: what the kernel takes for a small thing, in the same minute and on the same machine.
 */
#ifndef IPMODD_TESTS_BENCH_YARDSTICK_H
#define IPMODD_TESTS_BENCH_YARDSTICK_H

#include <stddef.h>
#include <stdint.h>

enum {
    VALUES_MAX = 255,
    YARDSTICK_PACKET_MAX = 512,
};

/* Of COUNT values, VALUES_MAX at most. */
double median(const double *values, size_t count);

/* Nanoseconds of the cheapest system call. */
double yardstick_getppid_ns(void);

/* A tun device of this program's own, in a namespace of its own; -1 without permission. */
int yardstick_open_tun(void);

/* Nanoseconds of the write of a packet to it, which the kernel then drops for want of a route. */
double yardstick_write_ns(int tun, const uint8_t *packet, size_t length);

#endif
