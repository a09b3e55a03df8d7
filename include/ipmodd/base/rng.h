/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random numbers that are handed in: the same seed gives the same ones in every run.
 *
 * SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): 64 bits of
 * state, every seed as good as another. For choosing packets and filling fields; not for secrets.
 */
#ifndef IPMODD_BASE_RNG_H
#define IPMODD_BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline struct rng rng_make(uint64_t seed)
{
    return (struct rng){.state = seed};
}

static inline uint64_t rng_u64(struct rng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint32_t rng_u32(struct rng *rng)
{
    return (uint32_t)(rng_u64(rng) >> 32);
}

static inline uint16_t rng_u16(struct rng *rng)
{
    return (uint16_t)(rng_u64(rng) >> 48);
}

#endif
