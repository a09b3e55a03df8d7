/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of bits, and the search for one that is not set. */
#include "port_sets.h"

#include "memory.h"
#include "places.h"

#include "ipmodd/base/macro.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    BLOCK_BITS = 10,
    BLOCK_PORTS = 1 << BLOCK_BITS,
    WORD_BITS = 6,
    WORD_PORTS = 1 << WORD_BITS,
    BLOCK_WORDS = BLOCK_PORTS / WORD_PORTS,
    BLOCKS = 65536 / BLOCK_PORTS, /* of an address and protocol */
};

struct key {
    uint8_t address[16];
    uint8_t proto, family;
};

struct block {
    struct key key;
    uint8_t number; /* of those of its address */
    uint8_t zero;
    union {
        uint32_t count; /* of the bits that are set */
        uint32_t next;  /* of the free ones */
    };
    uint64_t taken[BLOCK_WORDS];
};
static_assert(sizeof(struct block) == 152, "little of it is not bits");

struct port_sets {
    struct block *blocks; /* number 1 is the first of them */
    struct places places;
    size_t capacity;
    uint32_t fresh; /* numbers from here on have never been used */
    uint32_t free;  /* first of those that were used and are not now; 0: none */
    uint64_t seed;
};

static size_t blocks_size(const struct port_sets *sets)
{
    return sets->capacity * sizeof(*sets->blocks);
}

struct port_sets *port_sets_new(size_t capacity)
{
    struct port_sets *sets = calloc(1, sizeof(*sets));

    if (sets == NULL)
        return NULL;
    sets->capacity = capacity;
    sets->fresh = 1;
    sets->blocks = memory_map(blocks_size(sets));
    /* small pages: the places of an address are side by side, and most of them are of no address */
    sets->places.items = calloc(places_for(capacity), sizeof(*sets->places.items));
    sets->places.mask = places_for(capacity) - 1;
    if (sets->blocks != NULL && sets->places.items != NULL)
        return sets;
    port_sets_free(sets);
    return NULL;
}

void port_sets_free(struct port_sets *sets)
{
    if (sets == NULL)
        return;
    memory_unmap(sets->blocks, blocks_size(sets));
    free(sets->places.items);
    free(sets);
}

void port_sets_seed(struct port_sets *sets, uint64_t seed)
{
    sets->seed = seed;
}

size_t port_sets_memory(const struct port_sets *sets)
{
    return (sets->fresh - 1) * (sizeof(struct block) + sizeof(struct place));
}

static struct key key_of(const struct mapping_outside *outside)
{
    struct key key = {.proto = outside->proto, .family = outside->family};

    memcpy(key.address, outside->address, sizeof(key.address));
    return key;
}

/* Of the first block of KEY; the others follow. */
static uint32_t hash_of(const struct port_sets *sets, const struct key *key)
{
    uint64_t hash = XXH3_64bits_withSeed(key, sizeof(*key), sets->seed);

    return (uint32_t)hash & ~(uint32_t)(BLOCKS - 1);
}

/* The number of the block of KEY, whose hash is BASE, that has PORT; 0 for none. */
static uint32_t find_block(const struct port_sets *sets, const struct key *key, uint32_t base,
                           uint16_t port)
{
    uint32_t hash = base + (port >> BLOCK_BITS), found;
    size_t place = places_begin(&sets->places, hash);

    while ((found = places_next(&sets->places, hash, &place)) != 0) {
        const struct block *block = &sets->blocks[found - 1];

        if (block->number == port >> BLOCK_BITS && memcmp(&block->key, key, sizeof(*key)) == 0)
            return found;
    }
    return 0;
}

static uint32_t make_block(struct port_sets *sets, const struct key *key, uint32_t base,
                           uint16_t port)
{
    uint32_t made = sets->free;

    if (made != 0)
        sets->free = sets->blocks[made - 1].next;
    else
        made = sets->fresh++;
    assert(made <= sets->capacity);
    sets->blocks[made - 1] = (struct block){.key = *key, .number = (uint8_t)(port >> BLOCK_BITS)};
    places_add(&sets->places, base + (port >> BLOCK_BITS), made);
    return made;
}

/* The word of BLOCK that has PORT. */
static size_t word_of(uint16_t port)
{
    return (size_t)(port & (BLOCK_PORTS - 1)) >> WORD_BITS;
}

static uint64_t bit_of(uint16_t port)
{
    return UINT64_C(1) << (port & (WORD_PORTS - 1));
}

void port_sets_take(struct port_sets *sets, const struct mapping_outside *outside)
{
    const struct key key = key_of(outside);
    uint32_t base = hash_of(sets, &key);
    uint32_t number = find_block(sets, &key, base, outside->port);
    struct block *block;

    if (number == 0)
        number = make_block(sets, &key, base, outside->port);
    block = &sets->blocks[number - 1];
    block->taken[word_of(outside->port)] |= bit_of(outside->port);
    block->count++;
}

void port_sets_give_back(struct port_sets *sets, const struct mapping_outside *outside)
{
    const struct key key = key_of(outside);
    uint32_t base = hash_of(sets, &key);
    uint32_t number = find_block(sets, &key, base, outside->port);
    struct block *block = &sets->blocks[number - 1];

    block->taken[word_of(outside->port)] &= ~bit_of(outside->port);
    if (--block->count > 0)
        return;
    places_remove(&sets->places, base + block->number, number);
    block->next = sets->free;
    sets->free = number;
}

/* The bits of the word at PORT, a multiple of its ports, that are those of FIRST to LAST. */
static uint64_t within(uint32_t port, uint32_t first, uint32_t last)
{
    uint64_t bits = UINT64_MAX;

    if (first > port)
        bits <<= first - port;
    if (last < port + WORD_PORTS - 1)
        bits &= UINT64_MAX >> (port + WORD_PORTS - 1 - last);
    return bits;
}

/* Among FIRST to LAST, which are of BLOCK; NULL: nothing of it is taken. */
static bool find_in_block(const struct block *block, uint32_t first, uint32_t last, uint64_t wanted,
                          uint16_t *ret_port)
{
    for (uint32_t port = first & ~(uint32_t)(WORD_PORTS - 1); port <= last; port += WORD_PORTS) {
        uint64_t taken = block != NULL ? block->taken[word_of((uint16_t)port)] : 0;
        uint64_t free = ~taken & wanted & within(port, first, last);

        if (free != 0) {
            *ret_port = (uint16_t)(port + (uint32_t)__builtin_ctzll(free));
            return true;
        }
    }
    return false;
}

/* Among FIRST to LAST. */
static bool find_between(const struct port_sets *sets, const struct key *key, uint32_t first,
                         uint32_t last, uint64_t wanted, uint16_t *ret_port)
{
    uint32_t base = hash_of(sets, key);

    while (first <= last) {
        uint32_t end = MIN_OF(first | (BLOCK_PORTS - 1), last);
        uint32_t number = find_block(sets, key, base, (uint16_t)first);
        const struct block *block = number != 0 ? &sets->blocks[number - 1] : NULL;

        if ((block == NULL || block->count < BLOCK_PORTS) &&
            find_in_block(block, first, end, wanted, ret_port))
            return true;
        first = end + 1;
    }
    return false;
}

bool port_sets_find(const struct port_sets *sets, const struct mapping_outside *outside,
                    const struct port_range *range, uint16_t *ret_port)
{
    const struct key key = key_of(outside);
    uint32_t start = outside->port;

    return find_between(sets, &key, start, range->last, range->wanted, ret_port) ||
           (start > range->first &&
            find_between(sets, &key, range->first, start - 1, range->wanted, ret_port));
}
