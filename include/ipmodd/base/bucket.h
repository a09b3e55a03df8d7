/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Token bucket: at most BURST events at once and RATE a second in the long run.
 *
 * Time is handed in (nanoseconds of any clock that does not run backwards), so the same sequence of
 * times gives the same decisions live, in tests and in a replay. Kept as a virtual scheduling time
 * (GCRA, ITU-T I.371 annex A): one 64-bit value of state, no refill step, no rounding that adds up.
 */
#ifndef IPMODD_BASE_BUCKET_H
#define IPMODD_BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
    uint64_t interval_ns; /* time one token takes to come back */
    uint64_t
        tolerance_ns;    /* how far the theoretical arrival may lie ahead: (burst - 1) intervals */
    uint64_t arrival_ns; /* theoretical arrival time of the next event */
};

/* RATE events per PERIOD_NS, both at least 1; BURST at least 1. Starts full. */
struct bucket bucket_make(uint64_t rate, uint64_t period_ns, uint64_t burst);

/* Takes one token; false, and nothing taken, when there is none. */
bool bucket_take(struct bucket *bucket, uint64_t now_ns);

#endif
