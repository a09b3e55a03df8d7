/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mappings and their two indices. */
#include "mapping.h"

#include "memory.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static_assert(sizeof(struct mapping_inside) == 44, "no gaps: it is hashed as memory");
static_assert(sizeof(struct mapping_outside) == 20, "no gaps: it is hashed as memory");
static_assert(sizeof(struct mapping) == 68, "as little as a flow's memory allows");

/* An element of an index; number 0: empty. */
struct place {
    uint32_t hash;
    uint32_t number;
};

enum side {
    INSIDE,
    OUTSIDE,
    SIDES,
};

struct mappings {
    struct mapping *items; /* number 1 is the first of them */
    struct place *places[SIDES];
    size_t capacity;
    size_t mask; /* number of places of an index, a power of two, less one */
    atomic_size_t count;
    uint32_t fresh; /* numbers from here on have never been used */
    uint32_t free;  /* first of those that were used and are not now; 0: none */
    uint64_t seed;
};

static size_t places_for(size_t capacity)
{
    size_t places = 1;

    while (places < 2 * capacity)
        places *= 2;
    return places;
}

static size_t items_size(const struct mappings *mappings)
{
    return mappings->capacity * sizeof(*mappings->items);
}

static size_t places_size(const struct mappings *mappings)
{
    return (mappings->mask + 1) * sizeof(struct place);
}

struct mappings *mappings_new(size_t capacity)
{
    struct mappings *mappings = calloc(1, sizeof(*mappings));

    if (mappings == NULL)
        return NULL;
    mappings->capacity = capacity;
    mappings->mask = places_for(capacity) - 1;
    mappings->fresh = 1;
    mappings->items = memory_map(items_size(mappings));
    mappings->places[INSIDE] = memory_map(places_size(mappings));
    mappings->places[OUTSIDE] = memory_map(places_size(mappings));
    if (mappings->items != NULL && mappings->places[INSIDE] != NULL &&
        mappings->places[OUTSIDE] != NULL)
        return mappings;
    mappings_free(mappings);
    return NULL;
}

void mappings_free(struct mappings *mappings)
{
    if (mappings == NULL)
        return;
    memory_unmap(mappings->items, items_size(mappings));
    memory_unmap(mappings->places[INSIDE], places_size(mappings));
    memory_unmap(mappings->places[OUTSIDE], places_size(mappings));
    free(mappings);
}

size_t mappings_memory(const struct mappings *mappings)
{
    return mappings_are_none(mappings) ? 0 : items_size(mappings) + SIDES * places_size(mappings);
}

void mappings_seed(struct mappings *mappings, uint64_t seed)
{
    if (mappings_are_none(mappings))
        mappings->seed = seed;
}

bool mappings_are_none(const struct mappings *mappings)
{
    return atomic_load_explicit(&mappings->count, memory_order_acquire) == 0;
}

/* One thread at a time writes. */
static void count(struct mappings *mappings, size_t difference)
{
    size_t before = atomic_load_explicit(&mappings->count, memory_order_relaxed);

    atomic_store_explicit(&mappings->count, before + difference, memory_order_release);
}

struct mapping_inside mapping_permit(const struct flow_tuple *tuple)
{
    struct mapping_inside permit = {
        .port = tuple->dport, .proto = tuple->proto, .family = tuple->family};

    memcpy(permit.address, tuple->dst, sizeof(permit.address));
    memcpy(permit.remote, tuple->src, sizeof(permit.remote));
    return permit;
}

static struct mapping *item(const struct mappings *mappings, uint32_t number)
{
    assert(number > 0 && number < mappings->fresh);
    return &mappings->items[number - 1];
}

static uint32_t hash_of(const struct mappings *mappings, const void *key, size_t size)
{
    return (uint32_t)XXH3_64bits_withSeed(key, size, mappings->seed);
}

static size_t after(const struct mappings *mappings, size_t place)
{
    return (place + 1) & mappings->mask;
}

uint32_t mappings_find_inside(const struct mappings *mappings, const struct mapping_inside *inside,
                              const uint8_t *via)
{
    const struct place *places = mappings->places[INSIDE];
    uint32_t hash = hash_of(mappings, inside, sizeof(*inside));
    size_t size = IP_ADDR_BYTES(inside->family);

    for (size_t i = hash & mappings->mask; places[i].number != 0; i = after(mappings, i)) {
        const struct mapping *mapping = item(mappings, places[i].number);

        if (places[i].hash == hash && memcmp(&mapping->inside, inside, sizeof(*inside)) == 0 &&
            (via == NULL || memcmp(mapping->outside.address, via, size) == 0))
            return places[i].number;
    }
    return 0;
}

uint32_t mappings_find_outside(const struct mappings *mappings,
                               const struct mapping_outside *outside)
{
    const struct place *places = mappings->places[OUTSIDE];
    uint32_t hash;

    if (mappings_are_none(mappings))
        return 0;
    hash = hash_of(mappings, outside, sizeof(*outside));
    for (size_t i = hash & mappings->mask; places[i].number != 0; i = after(mappings, i)) {
        if (places[i].hash == hash &&
            memcmp(&item(mappings, places[i].number)->outside, outside, sizeof(*outside)) == 0)
            return places[i].number;
    }
    return 0;
}

static uint32_t hash_side(const struct mappings *mappings, const struct mapping *mapping,
                          enum side side)
{
    return side == INSIDE ? hash_of(mappings, &mapping->inside, sizeof(mapping->inside))
                          : hash_of(mappings, &mapping->outside, sizeof(mapping->outside));
}

static void index_side(struct mappings *mappings, uint32_t number, enum side side)
{
    uint32_t hash = hash_side(mappings, item(mappings, number), side);
    size_t place = hash & mappings->mask;

    while (mappings->places[side][place].number != 0)
        place = after(mappings, place);
    mappings->places[side][place] = (struct place){hash, number};
}

/* Knuth's algorithm R (TAOCP 6.4): what stands behind the hole and may move into it does. */
static void close_hole(struct mappings *mappings, struct place *places, size_t hole)
{
    for (size_t i = after(mappings, hole); places[i].number != 0; i = after(mappings, i)) {
        size_t from_home = (i - places[i].hash) & mappings->mask;

        if (from_home < ((i - hole) & mappings->mask))
            continue;
        places[hole] = places[i];
        hole = i;
    }
    places[hole].number = 0;
}

static void forget_side(struct mappings *mappings, uint32_t number, enum side side)
{
    size_t place = hash_side(mappings, item(mappings, number), side) & mappings->mask;

    while (mappings->places[side][place].number != number)
        place = after(mappings, place);
    close_hole(mappings, mappings->places[side], place);
}

/* 0 when all are in use. */
static uint32_t take_number(struct mappings *mappings)
{
    uint32_t number = mappings->free;

    if (number == 0)
        return mappings->fresh <= mappings->capacity ? mappings->fresh++ : 0;
    mappings->free = item(mappings, number)->next;
    return number;
}

uint32_t mappings_add(struct mappings *mappings, const struct mapping_inside *inside,
                      const struct mapping_outside *outside)
{
    uint32_t number = take_number(mappings);

    if (number == 0)
        return 0;
    *item(mappings, number) = (struct mapping){.inside = *inside};
    index_side(mappings, number, INSIDE);
    if (outside != NULL) {
        item(mappings, number)->outside = *outside;
        item(mappings, number)->has_outside = true;
        index_side(mappings, number, OUTSIDE);
    }
    count(mappings, 1);
    return number;
}

/* No flow has protocol 0 and a mapping. */
static struct mapping_inside subscriber_of(const struct mapping_inside *inside)
{
    struct mapping_inside subscriber = {.family = inside->family};

    memcpy(subscriber.address, inside->address, sizeof(subscriber.address));
    return subscriber;
}

static uint32_t find_subscriber(const struct mappings *mappings,
                                const struct mapping_inside *inside)
{
    const struct mapping_inside key = subscriber_of(inside);

    return mappings_find_inside(mappings, &key, NULL);
}

const struct mapping *mappings_get(const struct mappings *mappings, uint32_t number)
{
    return item(mappings, number);
}

void mappings_hold(struct mappings *mappings, uint32_t number)
{
    if (number != 0)
        item(mappings, number)->users++;
}

static void forget(struct mappings *mappings, uint32_t number)
{
    struct mapping *mapping = item(mappings, number);

    forget_side(mappings, number, INSIDE);
    if (mapping->has_outside)
        forget_side(mappings, number, OUTSIDE);
    mapping->next = mappings->free;
    mappings->free = number;
    count(mappings, (size_t)-1);
}

/* One user less; whether that was the last one. */
static bool leave(struct mappings *mappings, uint32_t number)
{
    return --item(mappings, number)->users == 0;
}

static void leave_subscriber(struct mappings *mappings, const struct mapping_inside *inside)
{
    uint32_t subscriber = find_subscriber(mappings, inside);

    if (leave(mappings, subscriber))
        forget(mappings, subscriber);
}

void mappings_release(struct mappings *mappings, uint32_t number)
{
    if (number == 0 || !leave(mappings, number))
        return;
    if (item(mappings, number)->has_subscriber)
        leave_subscriber(mappings, &item(mappings, number)->inside);
    forget(mappings, number);
}

uint32_t mappings_add_counted(struct mappings *mappings, const struct mapping_inside *inside,
                              const struct mapping_outside *outside)
{
    const struct mapping_inside key = subscriber_of(inside);
    uint32_t subscriber = find_subscriber(mappings, inside), number;

    if (subscriber == 0)
        subscriber = mappings_add(mappings, &key, NULL);
    if (subscriber == 0)
        return 0;
    mappings_hold(mappings, subscriber);
    number = mappings_add(mappings, inside, outside);
    if (number != 0)
        item(mappings, number)->has_subscriber = true;
    else
        mappings_release(mappings, subscriber);
    return number;
}

uint32_t mappings_count_subscribed(const struct mappings *mappings,
                                   const struct mapping_inside *inside)
{
    uint32_t subscriber = find_subscriber(mappings, inside);

    return subscriber != 0 ? item(mappings, subscriber)->users : 0;
}
