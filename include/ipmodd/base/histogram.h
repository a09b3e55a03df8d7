/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Histogram: how long something took, counted by steps that suit the life of packets. */
#ifndef IPMODD_BASE_HISTOGRAM_H
#define IPMODD_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_STEPS = 10 };

/* The longest time of each step, in nanoseconds; what takes longer is counted behind the last. */
static const uint64_t histogram_bounds_ns[HISTOGRAM_STEPS] = {
    10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
};

struct histogram {
    uint64_t counts[HISTOGRAM_STEPS + 1];
    uint64_t sum_ns;
};

static inline void histogram_add(struct histogram *histogram, uint64_t ns)
{
    size_t step = 0;

    while (step < HISTOGRAM_STEPS && ns > histogram_bounds_ns[step])
        step++;
    histogram->counts[step]++;
    histogram->sum_ns += ns;
}

static inline void histogram_merge(struct histogram *sum, const struct histogram *other)
{
    for (size_t i = 0; i <= HISTOGRAM_STEPS; i++)
        sum->counts[i] += other->counts[i];
    sum->sum_ns += other->sum_ns;
}

#endif
