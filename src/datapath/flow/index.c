/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hash table over the tuples of flows. */
#include "index.h"

#include "ipmodd/base/macro.h"
#include "memory.h"

#include <assert.h>
#include <errno.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static_assert(sizeof(struct flow_tuple) == 40, "a tuple has no gaps: it is hashed as memory");

enum {
    PREFETCH_MAX = 64,
    LINE = 64, /* bytes of a cache line */
};

/* An element; entry: 2 * number + way + 1, and 0 for an empty one. */
struct flow_place {
    uint32_t hash;
    uint32_t entry;
};

static size_t places_for(size_t capacity)
{
    size_t places = 1;

    while (places < capacity * FLOW_WAYS * 2)
        places *= 2;
    return places;
}

int flow_index_init(struct flow_index *index, struct flow *flows, size_t capacity)
{
    *index = (struct flow_index){.flows = flows, .mask = places_for(capacity) - 1};
    index->places = memory_map(flow_index_size(index));
    return index->places != NULL ? 0 : -ENOMEM;
}

void flow_index_clear(struct flow_index *index)
{
    memory_unmap(TAKE_PTR(index->places), flow_index_size(index));
}

size_t flow_index_size(const struct flow_index *index)
{
    return (index->mask + 1) * sizeof(*index->places);
}

uint64_t flow_index_hash(const struct flow_index *index, const void *bytes, size_t size)
{
    return XXH3_64bits_withSeed(bytes, size, index->seed);
}

static uint32_t hash_of(const struct flow_index *index, const struct flow_tuple *tuple)
{
    return (uint32_t)flow_index_hash(index, tuple, sizeof(*tuple));
}

static struct flow *flow_at(const struct flow_index *index, const struct flow_place *place)
{
    return &index->flows[(place->entry - 1) / FLOW_WAYS];
}

static enum flow_way way_at(const struct flow_place *place)
{
    return (place->entry - 1) % FLOW_WAYS;
}

/* The place of TUPLE, or the empty one where it would be. */
static size_t find_place(const struct flow_index *index, const struct flow_tuple *tuple,
                         uint32_t hash)
{
    size_t i = hash & index->mask;

    for (;; i = (i + 1) & index->mask) {
        const struct flow_place *place = &index->places[i];

        if (place->entry == 0)
            return i;
        if (place->hash == hash &&
            flow_tuple_equal(&flow_at(index, place)->tuples[way_at(place)], tuple))
            return i;
    }
}

struct flow *flow_index_find(const struct flow_index *index, const struct flow_tuple *tuple,
                             enum flow_way *ret_way)
{
    const struct flow_place *place =
        &index->places[find_place(index, tuple, hash_of(index, tuple))];

    if (place->entry == 0)
        return NULL;
    *ret_way = way_at(place);
    return flow_at(index, place);
}

void flow_index_add(struct flow_index *index, const struct flow *flow, enum flow_way way)
{
    uint32_t hash = hash_of(index, &flow->tuples[way]);
    struct flow_place *place = &index->places[find_place(index, &flow->tuples[way], hash)];

    assert(place->entry == 0);
    place->hash = hash;
    place->entry = (uint32_t)((size_t)(flow - index->flows) * FLOW_WAYS + way + 1);
}

/* Whether an element that belongs to HOME may stand at HOLE, coming from AT: not before its home.
 */
static bool may_move(size_t home, size_t hole, size_t at, size_t mask)
{
    return ((at - home) & mask) >= ((at - hole) & mask);
}

/* Closes the hole that an element leaves, so that no search ends too early. */
static void empty_place(struct flow_index *index, size_t hole)
{
    for (size_t i = (hole + 1) & index->mask; index->places[i].entry != 0;
         i = (i + 1) & index->mask) {
        if (!may_move(index->places[i].hash & index->mask, hole, i, index->mask))
            continue;
        index->places[hole] = index->places[i];
        hole = i;
    }
    index->places[hole].entry = 0;
}

void flow_index_remove(struct flow_index *index, const struct flow *flow, enum flow_way way)
{
    const struct flow_tuple *tuple = &flow->tuples[way];
    size_t place = find_place(index, tuple, hash_of(index, tuple));

    assert(index->places[place].entry != 0);
    empty_place(index, place);
}

static void prefetch_flow(const struct flow *flow)
{
    for (size_t at = 0; at < sizeof(*flow); at += LINE)
        __builtin_prefetch((const char *)flow + at);
}

/* First all elements of the index, then the entries that they lead to. */
void flow_index_prefetch(const struct flow_index *index, const struct flow_tuple *tuples,
                         size_t count)
{
    uint32_t hashes[PREFETCH_MAX];

    if (count > PREFETCH_MAX)
        count = PREFETCH_MAX;
    for (size_t i = 0; i < count; i++) {
        hashes[i] = hash_of(index, &tuples[i]);
        __builtin_prefetch(&index->places[hashes[i] & index->mask]);
    }
    for (size_t i = 0; i < count; i++) {
        const struct flow_place *place = &index->places[hashes[i] & index->mask];

        if (place->entry != 0)
            prefetch_flow(flow_at(index, place));
    }
}
