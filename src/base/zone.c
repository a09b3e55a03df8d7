/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What local time is ahead of UTC. */
#include "ipmodd/base/zone.h"

#include <time.h>

enum { SECONDS_PER_MINUTE = 60 };

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

int32_t zone_utc_offset(struct zone *zone, int64_t wall_s)
{
    int64_t minute = wall_s / SECONDS_PER_MINUTE;

    if (minute != zone->minute)
        *zone = (struct zone){.minute = minute, .utc_offset_s = find_offset(wall_s)};
    return zone->utc_offset_s;
}
