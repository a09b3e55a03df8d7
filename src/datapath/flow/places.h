/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places: an index from hashes to numbers of items that are kept elsewhere. Open addressing with
 * linear probing (Knuth, TAOCP 6.4), in memory that its user brings and that never grows.
 */
#ifndef IPMODD_DATAPATH_FLOW_PLACES_H
#define IPMODD_DATAPATH_FLOW_PLACES_H

#include <stddef.h>
#include <stdint.h>

/* Number 0: empty. */
struct place {
    uint32_t hash;
    uint32_t number;
};

struct places {
    struct place *items;
    size_t mask; /* how many, a power of two, less one */
};

/* How many places CAPACITY items are to have: at most half of them are in use. */
size_t places_for(size_t capacity);

void places_add(struct places *places, uint32_t hash, uint32_t number);

/* NUMBER was added with HASH. */
void places_remove(struct places *places, uint32_t hash, uint32_t number);

/* Where those that have HASH begin. */
static inline size_t places_begin(const struct places *places, uint32_t hash)
{
    return hash & places->mask;
}

/* The next one that has HASH, and *PLACE behind it; 0 when there is none. */
static inline uint32_t places_next(const struct places *places, uint32_t hash, size_t *place)
{
    const struct place *found;

    do {
        found = &places->items[*place];
        *place = (*place + 1) & places->mask;
    } while (found->number != 0 && found->hash != hash);
    return found->number;
}

#endif
