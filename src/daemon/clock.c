/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time for the packet path. */
#include "clock.h"

struct moment clock_read(struct zone *zone)
{
    struct moment moment = {.now_ns = clock_monotonic_ns()};

    moment.wall_ns = clock_wall_ns();
    moment.utc_offset_s = zone_utc_offset(zone, (time_t)(moment.wall_ns / 1000000000));
    return moment;
}
