/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fragments that wait for the first one of their datagram. */
#include "fragment_park.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    SOURCES = 256,        /* that are told apart */
    HEADROOM = 64,        /* as in a batch: for the virtio-net header */
    SOURCE_BYTES_IP6 = 8, /* of an address, as whoever has one has all of its network */
};

static_assert((int)HEADROOM >= (int)VNET_HEADER, "room for the header in front");

struct place {
    struct packet packet;
    struct fragment_key key;
    uint64_t expires_ns;
    uint16_t source;
    TAILQ_ENTRY(place) of_source; /* while it is waited in */
    TAILQ_ENTRY(place) of_all;    /* in one of the three lists */
};

TAILQ_HEAD(places, place);

struct fragment_park {
    struct place places[PARK_FRAGMENTS];
    struct places waiting; /* in the order of their arrival, and so of their end */
    struct places leaving; /* taken out in this batch */
    struct places free;
    struct places sources[SOURCES]; /* those that wait, by source, in the order of arrival */
    uint16_t counts[SOURCES];       /* how many those are */
    size_t count;
    uint64_t seed;
    uint64_t now_ns;
    uint8_t *memory;
};

static uint8_t *buffer(const struct fragment_park *park, size_t number)
{
    return park->memory + number * (HEADROOM + PARK_BYTES) + HEADROOM;
}

struct fragment_park *fragment_park_new(void)
{
    struct fragment_park *park = calloc(1, sizeof(*park));

    if (park == NULL)
        return NULL;
    park->memory = malloc((size_t)PARK_FRAGMENTS * (HEADROOM + PARK_BYTES));
    if (park->memory == NULL) {
        free(park);
        return NULL;
    }
    TAILQ_INIT(&park->waiting);
    TAILQ_INIT(&park->leaving);
    TAILQ_INIT(&park->free);
    for (size_t i = 0; i < SOURCES; i++)
        TAILQ_INIT(&park->sources[i]);
    for (size_t i = 0; i < PARK_FRAGMENTS; i++) {
        park->places[i].packet.data = buffer(park, i);
        TAILQ_INSERT_TAIL(&park->free, &park->places[i], of_all);
    }
    return park;
}

void fragment_park_free(struct fragment_park *park)
{
    if (park == NULL)
        return;
    free(park->memory);
    free(park);
}

void fragment_park_seed(struct fragment_park *park, uint64_t seed)
{
    if (park->count == 0)
        park->seed = seed;
}

void fragment_park_begin(struct fragment_park *park, uint64_t now_ns)
{
    struct place *place;

    park->now_ns = now_ns;
    while ((place = TAILQ_FIRST(&park->leaving)) != NULL) {
        TAILQ_REMOVE(&park->leaving, place, of_all);
        TAILQ_INSERT_HEAD(&park->free, place, of_all);
    }
}

size_t fragment_park_count(const struct fragment_park *park)
{
    return park->count;
}

uint64_t fragment_park_expires_ns(const struct fragment_park *park)
{
    const struct place *oldest = TAILQ_FIRST(&park->waiting);

    return oldest != NULL ? oldest->expires_ns : UINT64_MAX;
}

static uint16_t source_of(const struct fragment_park *park, const struct fragment_key *key)
{
    size_t size = key->family == FAMILY_IPV4 ? IP_ADDR_BYTES(FAMILY_IPV4) : SOURCE_BYTES_IP6;

    return (uint16_t)(XXH3_64bits_withSeed(key->src, size, park->seed) % SOURCES);
}

/* PLACE, of one that waits, into LIST. The place that was free last is used first: its memory has
 * been touched. */
static struct packet *take(struct fragment_park *park, struct place *place, struct places *list)
{
    TAILQ_REMOVE(&park->waiting, place, of_all);
    TAILQ_REMOVE(&park->sources[place->source], place, of_source);
    TAILQ_INSERT_HEAD(list, place, of_all);
    park->counts[place->source]--;
    park->count--;
    return &place->packet;
}

struct packet *fragment_park_take_expired(struct fragment_park *park)
{
    struct place *oldest = TAILQ_FIRST(&park->waiting);

    if (oldest == NULL || oldest->expires_ns > park->now_ns)
        return NULL;
    return take(park, oldest, &park->free);
}

static uint16_t most_of_a_source(const struct fragment_park *park)
{
    uint16_t most = 0;

    for (size_t i = 0; i < SOURCES; i++)
        most = park->counts[i] > most ? park->counts[i] : most;
    return most;
}

struct packet *fragment_park_take_surplus(struct fragment_park *park)
{
    struct place *place = TAILQ_FIRST(&park->waiting);
    uint16_t most;

    if (place == NULL || !TAILQ_EMPTY(&park->free))
        return NULL;
    most = most_of_a_source(park);
    while (park->counts[place->source] < most)
        place = TAILQ_NEXT(place, of_all);
    return take(park, place, &park->free);
}

struct packet *fragment_park_take(struct fragment_park *park, const struct fragment_key *key)
{
    struct place *place;

    TAILQ_FOREACH(place, &park->sources[source_of(park, key)], of_source) {
        if (fragment_key_equal(&place->key, key))
            return take(park, place, &park->leaving);
    }
    return NULL;
}

/* As the batch would have it: nothing of it is known yet. */
static void fill(struct place *place, const struct packet *packet)
{
    uint8_t *data = place->packet.data;

    place->packet = (struct packet){
        .data = data,
        .length = packet->length,
        .capacity = PARK_BYTES,
        .vnet = packet->vnet,
        .flags =
            (uint16_t)((packet->flags & (PACKET_TTL_RESTORED | PACKET_GATHERED)) | PACKET_WAITED),
    };
    memcpy(data, packet->data, packet->length);
}

bool fragment_park_put(struct fragment_park *park, const struct packet *packet)
{
    struct place *place = TAILQ_FIRST(&park->free);

    if (place == NULL || packet->length > PARK_BYTES)
        return false;
    TAILQ_REMOVE(&park->free, place, of_all);
    fill(place, packet);
    place->key = fragment_key_of(packet);
    place->source = source_of(park, &place->key);
    place->expires_ns = park->now_ns + PARK_WAIT_NS;
    TAILQ_INSERT_TAIL(&park->waiting, place, of_all);
    TAILQ_INSERT_TAIL(&park->sources[place->source], place, of_source);
    park->counts[place->source]++;
    park->count++;
    return true;
}
