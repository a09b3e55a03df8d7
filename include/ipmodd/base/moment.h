/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A moment: what the clocks that the packet path knows show, read once for a whole batch.
 *
 * It is handed in, and so is the zone: the path itself asks no clock and no zone file. A replay
 * hands in the times of its capture.
 */
#ifndef IPMODD_BASE_MOMENT_H
#define IPMODD_BASE_MOMENT_H

#include <stdint.h>

struct moment {
    uint64_t now_ns;      /* of a clock that never runs backwards: for rates and intervals */
    uint64_t wall_ns;     /* since 1970-01-01 00:00 UTC */
    int32_t utc_offset_s; /* what local time is ahead of UTC at that moment, summer time included */
};

/* What clocks on the wall show, as seconds since 1970-01-01 00:00 of their own reckoning. */
static inline int64_t moment_local_s(const struct moment *moment)
{
    return (int64_t)(moment->wall_ns / 1000000000) + moment->utc_offset_s;
}

#endif
