/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random numbers for tests: the same ones in every run (splitmix64), so that a failure comes again.
 */
#ifndef IPMODD_TESTS_RANDOM_H
#define IPMODD_TESTS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_u64(struct random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 … BOUND - 1. */
static inline size_t random_below(struct random *random, size_t bound)
{
    return (size_t)(random_u64(random) % bound);
}

static inline void random_fill(struct random *random, uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)random_u64(random);
}

#endif
