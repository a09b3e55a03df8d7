/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time zone of the host (TZ, or /etc/localtime): what local time is ahead of UTC.
 *
 * Its distance, which summer time changes, is looked up once a minute at most: clocks change on the
 * minute everywhere.
 */
#ifndef IPMODD_BASE_ZONE_H
#define IPMODD_BASE_ZONE_H

#include <stdint.h>

/* The distance from UTC in the minute that was asked about last; one for each thread. */
struct zone {
    int64_t minute; /* since 1970; -1: none yet */
    int32_t utc_offset_s;
};

/* Reads the zone of the host. */
void zone_load(struct zone *zone);

/* Of the moment WALL_S seconds since 1970-01-01 00:00 UTC, in seconds. */
int32_t zone_utc_offset(struct zone *zone, int64_t wall_s);

#endif
