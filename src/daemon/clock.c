/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time for the packet path. */
#include "clock.h"

enum { SECONDS_PER_MINUTE = 60 };

/* What local time is ahead of UTC at WALL_S, in seconds. */
static int32_t find_offset(int64_t wall_s)
{
    time_t time = (time_t)wall_s;
    struct tm local;

    return localtime_r(&time, &local) != NULL ? (int32_t)local.tm_gmtoff : 0;
}

void zone_load(struct zone *zone)
{
    tzset();
    *zone = (struct zone){.minute = -1};
}

struct moment clock_read(struct zone *zone)
{
    struct moment moment = {.now_ns = clock_now_ns()};
    struct timespec wall;
    int64_t minute;

    clock_gettime(CLOCK_REALTIME, &wall);
    minute = wall.tv_sec / SECONDS_PER_MINUTE;
    if (minute != zone->minute)
        *zone = (struct zone){.minute = minute, .utc_offset_s = find_offset(wall.tv_sec)};
    moment.wall_ns = (uint64_t)wall.tv_sec * 1000000000 + (uint64_t)wall.tv_nsec;
    moment.utc_offset_s = zone->utc_offset_s;
    return moment;
}
