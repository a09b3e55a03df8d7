/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clocks of the daemon.
 *
 * Local time follows the zone of the host (TZ, or /etc/localtime), which is read at the start and
 * at each reload. Its distance from UTC, which summer time changes, is looked up once a minute at
 * most: clocks change on the minute everywhere.
 */
#ifndef IPMODD_DAEMON_CLOCK_H
#define IPMODD_DAEMON_CLOCK_H

#include "ipmodd/base/moment.h"

#include <time.h>

/* Nanoseconds of CLOCK_MONOTONIC. */
static inline uint64_t clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The distance from UTC in the minute that was asked about last; one for each thread. */
struct zone {
    int64_t minute; /* since 1970; -1: none yet */
    int32_t utc_offset_s;
};

/* Reads the zone of the host. */
void zone_load(struct zone *zone);

/* The moment that it is. */
struct moment clock_read(struct zone *zone);

#endif
