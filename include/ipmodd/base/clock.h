/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clocks, for all but the packet path: that asks none and is handed a moment (moment.h). */
#ifndef IPMODD_BASE_CLOCK_H
#define IPMODD_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_read_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Nanoseconds of CLOCK_MONOTONIC, which never runs backwards. */
static inline uint64_t clock_monotonic_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

/* The same in seconds, for pauses of programs. */
static inline double clock_monotonic_seconds(void)
{
    return (double)clock_monotonic_ns() / 1e9;
}

/* Nanoseconds since 1970-01-01 00:00 UTC. */
static inline uint64_t clock_wall_ns(void)
{
    return clock_read_ns(CLOCK_REALTIME);
}

#endif
