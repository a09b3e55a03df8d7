/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mappings and how they are found. */
#include "mapping.h"

#include "memory.h"
#include "places.h"
#include "port_sets.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static_assert(sizeof(struct mapping_inside) == 44, "no gaps: it is hashed as memory");
static_assert(sizeof(struct mapping_outside) == 20, "no gaps: it is hashed as memory");
static_assert(sizeof(struct mapping) == 68, "as little as a flow's memory allows");

enum side {
    INSIDE,
    OUTSIDE,
    SIDES,
};

struct mappings {
    struct mapping *items; /* number 1 is the first of them */
    struct places places[SIDES];
    struct port_sets *ports; /* that are taken outside */
    size_t capacity;
    atomic_size_t count;
    uint32_t fresh; /* numbers from here on have never been used */
    uint32_t free;  /* first of those that were used and are not now; 0: none */
    uint64_t seed;
};

static size_t items_size(const struct mappings *mappings)
{
    return mappings->capacity * sizeof(*mappings->items);
}

static size_t places_size(const struct mappings *mappings)
{
    return places_for(mappings->capacity) * sizeof(struct place);
}

/* 0 or -ENOMEM. */
static int make_indices(struct mappings *mappings)
{
    for (enum side side = 0; side < SIDES; side++) {
        mappings->places[side].items = memory_map(places_size(mappings));
        mappings->places[side].mask = places_for(mappings->capacity) - 1;
        if (mappings->places[side].items == NULL)
            return -ENOMEM;
    }
    mappings->ports = port_sets_new(mappings->capacity);
    return mappings->ports != NULL ? 0 : -ENOMEM;
}

struct mappings *mappings_new(size_t capacity)
{
    struct mappings *mappings = calloc(1, sizeof(*mappings));

    if (mappings == NULL)
        return NULL;
    mappings->capacity = capacity;
    mappings->fresh = 1;
    mappings->items = memory_map(items_size(mappings));
    if (mappings->items != NULL && make_indices(mappings) == 0)
        return mappings;
    mappings_free(mappings);
    return NULL;
}

void mappings_free(struct mappings *mappings)
{
    if (mappings == NULL)
        return;
    memory_unmap(mappings->items, items_size(mappings));
    for (enum side side = 0; side < SIDES; side++)
        memory_unmap(mappings->places[side].items, places_size(mappings));
    port_sets_free(mappings->ports);
    free(mappings);
}

size_t mappings_memory(const struct mappings *mappings)
{
    if (mappings_are_none(mappings))
        return 0;
    return items_size(mappings) + SIDES * places_size(mappings) + port_sets_memory(mappings->ports);
}

void mappings_seed(struct mappings *mappings, uint64_t seed)
{
    if (!mappings_are_none(mappings))
        return;
    mappings->seed = seed;
    port_sets_seed(mappings->ports, seed);
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

uint32_t mappings_find_inside(const struct mappings *mappings, const struct mapping_inside *inside,
                              const uint8_t *via)
{
    uint32_t hash = hash_of(mappings, inside, sizeof(*inside)), number;
    size_t place = places_begin(&mappings->places[INSIDE], hash);
    size_t size = IP_ADDR_BYTES(inside->family);

    while ((number = places_next(&mappings->places[INSIDE], hash, &place)) != 0) {
        const struct mapping *mapping = item(mappings, number);

        if (memcmp(&mapping->inside, inside, sizeof(*inside)) == 0 &&
            (via == NULL || memcmp(mapping->outside.address, via, size) == 0))
            return number;
    }
    return 0;
}

uint32_t mappings_find_outside(const struct mappings *mappings,
                               const struct mapping_outside *outside)
{
    uint32_t hash, number;
    size_t place;

    if (mappings_are_none(mappings))
        return 0;
    hash = hash_of(mappings, outside, sizeof(*outside));
    place = places_begin(&mappings->places[OUTSIDE], hash);
    while ((number = places_next(&mappings->places[OUTSIDE], hash, &place)) != 0) {
        if (memcmp(&item(mappings, number)->outside, outside, sizeof(*outside)) == 0)
            return number;
    }
    return 0;
}

bool mappings_find_port(const struct mappings *mappings, const struct mapping_outside *outside,
                        const struct port_range *range, uint16_t *ret_port)
{
    return port_sets_find(mappings->ports, outside, range, ret_port);
}

static uint32_t hash_side(const struct mappings *mappings, const struct mapping *mapping,
                          enum side side)
{
    return side == INSIDE ? hash_of(mappings, &mapping->inside, sizeof(mapping->inside))
                          : hash_of(mappings, &mapping->outside, sizeof(mapping->outside));
}

static void index_side(struct mappings *mappings, uint32_t number, enum side side)
{
    places_add(&mappings->places[side], hash_side(mappings, item(mappings, number), side), number);
}

static void forget_side(struct mappings *mappings, uint32_t number, enum side side)
{
    places_remove(&mappings->places[side], hash_side(mappings, item(mappings, number), side),
                  number);
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
        port_sets_take(mappings->ports, outside);
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
    if (mapping->has_outside) {
        forget_side(mappings, number, OUTSIDE);
        port_sets_give_back(mappings->ports, &mapping->outside);
    }
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
