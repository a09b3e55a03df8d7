/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has which tuple: written under locks, read without. */
#include "directory.h"

#include "ipmodd/base/macro.h"
#include "memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    PARTS_MAX = 256,
    PLACES_MIN = 1024, /* of a part, when there are several: full are some in no lifetime */
    OWNER_BITS = 8,    /* of an element: the owner plus one; the others are the hash's */
    PART_SHIFT = 56,
};

#define OWNER_MASK ((UINT64_C(1) << OWNER_BITS) - 1)

struct part {
    _Alignas(64) pthread_mutex_t lock;
    atomic_uint version; /* odd while it is written to */
    size_t count;
};

struct directory {
    struct part parts[PARTS_MAX];
    _Alignas(64) atomic_size_t count;
    size_t part_count;        /* a power of two */
    size_t mask;              /* places of a part, a power of two, less one */
    _Atomic uint64_t *places; /* part by part; 0: empty */
    uint64_t seed;
};

/* Where an element is looked for. */
struct spot {
    struct part *part;
    _Atomic uint64_t *places; /* of the part */
    uint64_t key;             /* the hash without the bits of the owner */
};

static size_t power_of_two(size_t least)
{
    size_t power = 1;

    while (power < least)
        power *= 2;
    return power;
}

struct directory *directory_new(size_t capacity, uint64_t seed)
{
    struct directory *directory = aligned_alloc(_Alignof(struct directory), sizeof(*directory));
    size_t places = power_of_two(2 * capacity);

    if (directory == NULL)
        return NULL;
    memset(directory, 0, sizeof(*directory));
    directory->part_count = MIN_OF(MAX_OF(places / PLACES_MIN, (size_t)1), (size_t)PARTS_MAX);
    directory->mask = places / directory->part_count - 1;
    directory->seed = seed;
    directory->places = memory_map(directory_size(directory));
    for (size_t i = 0; i < PARTS_MAX; i++)
        pthread_mutex_init(&directory->parts[i].lock, NULL);
    if (directory->places != NULL)
        return directory;
    directory_free(directory);
    return NULL;
}

void directory_free(struct directory *directory)
{
    if (directory == NULL)
        return;
    for (size_t i = 0; i < PARTS_MAX; i++)
        pthread_mutex_destroy(&directory->parts[i].lock);
    memory_unmap((void *)directory->places, directory_size(directory));
    free(directory);
}

size_t directory_size(const struct directory *directory)
{
    return directory->part_count * (directory->mask + 1) * sizeof(uint64_t);
}

size_t directory_count(const struct directory *directory)
{
    return atomic_load_explicit(&directory->count, memory_order_acquire);
}

/* Of the two ways of TUPLE always the same one is hashed. */
static struct spot find_spot(struct directory *directory, const struct flow_tuple *tuple)
{
    const struct flow_tuple turned = flow_tuple_turn(tuple);
    const struct flow_tuple *first = memcmp(tuple, &turned, sizeof(turned)) <= 0 ? tuple : &turned;
    uint64_t hash = XXH3_64bits_withSeed(first, sizeof(*first), directory->seed);
    size_t part = (hash >> PART_SHIFT) & (directory->part_count - 1);

    return (struct spot){
        .part = &directory->parts[part],
        .places = directory->places + part * (directory->mask + 1),
        .key = hash & ~OWNER_MASK,
    };
}

static size_t home_of(const struct directory *directory, uint64_t element)
{
    return (size_t)(element >> OWNER_BITS) & directory->mask;
}

static size_t after(const struct directory *directory, size_t place)
{
    return (place + 1) & directory->mask;
}

/*
 * The place of SPOT's element, or the empty one where it would be; without the lock perhaps
 * another one, but never without end. A part is never full: see claim().
 */
static size_t find_place(const struct directory *directory, const struct spot *spot,
                         uint64_t *ret_element)
{
    size_t i = home_of(directory, spot->key);

    for (size_t tries = 0; tries <= directory->mask; tries++, i = after(directory, i)) {
        uint64_t element = atomic_load_explicit(&spot->places[i], memory_order_acquire);

        *ret_element = element;
        if (element == 0 || (element & ~OWNER_MASK) == spot->key)
            return i;
    }
    *ret_element = 0;
    return i;
}

static unsigned owner_of(uint64_t element)
{
    return element != 0 ? (unsigned)(element & OWNER_MASK) - 1 : (unsigned)DIRECTORY_NOBODY;
}

static unsigned find_locked(struct directory *directory, const struct spot *spot)
{
    uint64_t element;

    pthread_mutex_lock(&spot->part->lock);
    find_place(directory, spot, &element);
    pthread_mutex_unlock(&spot->part->lock);
    return owner_of(element);
}

unsigned directory_find(struct directory *directory, const struct flow_tuple *tuple)
{
    const struct spot spot = find_spot(directory, tuple);
    unsigned version = atomic_load_explicit(&spot.part->version, memory_order_acquire);
    uint64_t element;

    find_place(directory, &spot, &element);
    if (version % 2 == 0 &&
        atomic_load_explicit(&spot.part->version, memory_order_relaxed) == version)
        return owner_of(element);
    return find_locked(directory, &spot);
}

static void begin_write(struct part *part)
{
    unsigned version = atomic_load_explicit(&part->version, memory_order_relaxed);

    atomic_store_explicit(&part->version, version + 1, memory_order_relaxed);
}

static void end_write(struct part *part)
{
    unsigned version = atomic_load_explicit(&part->version, memory_order_relaxed);

    atomic_store_explicit(&part->version, version + 1, memory_order_release);
}

/* Who sees it sees that the version was odd. */
static void put(_Atomic uint64_t *place, uint64_t element)
{
    atomic_store_explicit(place, element, memory_order_release);
}

/* The part is locked. */
static unsigned claim(struct directory *directory, const struct spot *spot, unsigned owner)
{
    uint64_t element;
    size_t place = find_place(directory, spot, &element);

    if (element != 0)
        return owner_of(element);
    if (spot->part->count == directory->mask) /* one stays empty: it ends every search */
        return DIRECTORY_NOBODY;
    begin_write(spot->part);
    put(&spot->places[place], spot->key | (owner + 1));
    end_write(spot->part);
    spot->part->count++;
    atomic_fetch_add_explicit(&directory->count, 1, memory_order_release);
    return owner;
}

unsigned directory_claim(struct directory *directory, const struct flow_tuple *tuple,
                         unsigned owner)
{
    const struct spot spot = find_spot(directory, tuple);
    unsigned has;

    assert(owner < DIRECTORY_NOBODY);
    pthread_mutex_lock(&spot.part->lock);
    has = claim(directory, &spot, owner);
    pthread_mutex_unlock(&spot.part->lock);
    return has;
}

/* Knuth's algorithm R (TAOCP 6.4): what stands behind the hole and may move into it does. */
static void close_hole(const struct directory *directory, _Atomic uint64_t *places, size_t hole)
{
    for (size_t i = after(directory, hole);; i = after(directory, i)) {
        uint64_t element = atomic_load_explicit(&places[i], memory_order_relaxed);
        size_t from_home = (i - home_of(directory, element)) & directory->mask;

        if (element == 0)
            break;
        if (from_home < ((i - hole) & directory->mask))
            continue;
        put(&places[hole], element);
        hole = i;
    }
    put(&places[hole], 0);
}

/* The part is locked. */
static void give_back(struct directory *directory, const struct spot *spot, unsigned owner)
{
    uint64_t element;
    size_t place = find_place(directory, spot, &element);

    if (owner_of(element) != owner)
        return;
    begin_write(spot->part);
    close_hole(directory, spot->places, place);
    end_write(spot->part);
    spot->part->count--;
    atomic_fetch_sub_explicit(&directory->count, 1, memory_order_release);
}

void directory_give_back(struct directory *directory, const struct flow_tuple *tuple,
                         unsigned owner)
{
    const struct spot spot = find_spot(directory, tuple);

    pthread_mutex_lock(&spot.part->lock);
    give_back(directory, &spot, owner);
    pthread_mutex_unlock(&spot.part->lock);
}
