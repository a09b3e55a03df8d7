/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the prefixes of a set lie in its leaves, and how large these and the nodes above are. */
#ifndef IPMODD_DATAPATH_PREFIX_LEAF_H
#define IPMODD_DATAPATH_PREFIX_LEAF_H

#include "prefix_set.h"

#include "ipmodd/base/memory.h"

#include <string.h>

/* A function of which each width has a copy. */
#define FOR_WIDTH __attribute__((always_inline)) static inline

struct prefix {
    address_number last; /* address in it */
    uint8_t length;      /* 0 to 128 bits from the top of the number */
};

static inline size_t width_bytes(enum prefix_width width)
{
    return (size_t)4 << width;
}

/* Of a leaf: last addresses, cut to the width, and behind all of them the lengths. */
static inline size_t leaf_bytes(enum prefix_width width)
{
    return MEMORY_LINE * (width == PREFIX_128 ? 4 : 1);
}

static inline size_t leaf_prefixes(enum prefix_width width)
{
    return leaf_bytes(width) / (width_bytes(width) + 1);
}

/*
 * Labels of a node above the leaves. Comparisons of 32 bits are cheap enough to save a level by
 * more of them, those of 64 are not: the processor compares four numbers at once, or one. More
 * lines for 128 bits, since otherwise there were too many levels that lie in no cache.
 */
static inline size_t node_labels(enum prefix_width width)
{
    static const size_t lines[] = {[PREFIX_32] = 2, [PREFIX_64] = 1, [PREFIX_128] = 4};

    return MEMORY_LINE * lines[width] / width_bytes(width);
}

/* What a prefix of LENGTH bits leaves open. */
static inline address_number open_bits(unsigned length)
{
    return length == 0 ? ~(address_number)0
                       : ((address_number)1 << (ADDRESS_NUMBER_BITS - length)) - 1;
}

static inline address_number prefix_first(const struct prefix *prefix)
{
    return prefix->last & ~open_bits(prefix->length);
}

/* The last address that begins with the bits of WIDTH at AT. */
static inline address_number load_last(const uint8_t *at, enum prefix_width width)
{
    address_number number = 0;
    uint64_t half;
    uint32_t word;

    switch (width) {
    case PREFIX_32:
        memcpy(&word, at, sizeof(word));
        return (address_number)word << 96 | open_bits(32);
    case PREFIX_64:
        memcpy(&half, at, sizeof(half));
        return (address_number)half << 64 | open_bits(64);
    case PREFIX_128:
        memcpy(&number, at, sizeof(number));
    }
    return number;
}

static inline void store_last(uint8_t *at, enum prefix_width width, address_number last)
{
    uint64_t half = (uint64_t)(last >> 64);
    uint32_t word = (uint32_t)(last >> 96);

    switch (width) {
    case PREFIX_32:
        memcpy(at, &word, sizeof(word));
        break;
    case PREFIX_64:
        memcpy(at, &half, sizeof(half));
        break;
    case PREFIX_128:
        memcpy(at, &last, sizeof(last));
    }
}

/* Number I of LEAF. */
static inline struct prefix leaf_get(const uint8_t *leaf, enum prefix_width width, size_t i)
{
    return (struct prefix){load_last(leaf + i * width_bytes(width), width),
                           leaf[leaf_prefixes(width) * width_bytes(width) + i]};
}

static inline void leaf_put(uint8_t *leaf, enum prefix_width width, size_t i,
                            const struct prefix *prefix)
{
    store_last(leaf + i * width_bytes(width), width, prefix->last);
    leaf[leaf_prefixes(width) * width_bytes(width) + i] = prefix->length;
}

/* Adds the levels above the leaves to SET, of which these are complete. 0 or -ENOMEM. */
int prefix_levels_build(struct prefix_set *set);

#endif
