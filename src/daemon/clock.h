/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks of the daemon. Its zone (zone.h) is read at the start and at each reload. */
#ifndef IPMODD_DAEMON_CLOCK_H
#define IPMODD_DAEMON_CLOCK_H

#include "ipmodd/base/moment.h"
#include "ipmodd/base/zone.h"

#include <time.h>

/* Nanoseconds of CLOCK_MONOTONIC. */
static inline uint64_t clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The moment that it is. */
struct moment clock_read(struct zone *zone);

#endif
