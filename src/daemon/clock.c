/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time for the packet path. */
#include "clock.h"

struct moment clock_read(struct zone *zone)
{
    struct moment moment = {.now_ns = clock_now_ns()};
    struct timespec wall;

    clock_gettime(CLOCK_REALTIME, &wall);
    moment.wall_ns = (uint64_t)wall.tv_sec * 1000000000 + (uint64_t)wall.tv_nsec;
    moment.utc_offset_s = zone_utc_offset(zone, wall.tv_sec);
    return moment;
}
