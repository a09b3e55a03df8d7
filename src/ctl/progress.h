/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far a long job is, in one line on a terminal that is redrawn now and then. */
#ifndef IPMODD_CTL_PROGRESS_H
#define IPMODD_CTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool shown; /* stderr is a terminal, nothing else is written to it meanwhile */
    bool drawn;
    uint64_t steps;
    double start, last; /* clock_monotonic_seconds() */
};

/* WANTED: whether to show anything at all, a terminal given. */
struct progress progress_begin(bool wanted);

/* After each step of the job; PART is what of it is done, 0 to 1, negative where unknown. */
void progress_step(struct progress *progress, double (*part)(const void *job), const void *job);

/* Takes the line away. */
void progress_end(struct progress *progress);

#endif
