/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of first fragments. */
#include "fragments.h"

#include "fragment_key.h"
#include "fragment_park.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/path.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    SETS = 512, /* a power of two */
    WAYS = 8,
    SHADOWS = BATCH_PACKETS + PARK_FRAGMENTS, /* later fragments that one batch can send on */
};

#define LIFE_NS UINT64_C(30000000000)

struct first_fragment {
    struct fragment_key key;
    uint64_t expires_ns; /* 0: the place is free */
    uint16_t length; /* bytes of its data, extension headers behind the fragment header included */
    uint8_t proto;
    struct l4_shadow header;
};

struct fragments {
    struct first_fragment sets[SETS][WAYS];
    struct l4_shadow shadows[SHADOWS]; /* of the later fragments of one batch */
    size_t shadow_count;
    uint64_t seed;
    uint64_t now_ns;
};

struct fragments *fragments_new(void)
{
    return calloc(1, sizeof(struct fragments));
}

void fragments_free(struct fragments *fragments)
{
    free(fragments);
}

void fragments_seed(struct fragments *fragments, uint64_t seed)
{
    memset(fragments->sets, 0, sizeof(fragments->sets));
    fragments->seed = seed;
}

void fragments_begin(struct fragments *fragments, uint64_t now_ns)
{
    fragments->shadow_count = 0;
    fragments->now_ns = now_ns;
}

static struct first_fragment *set_of(struct fragments *fragments, const struct fragment_key *key)
{
    return fragments->sets[XXH3_64bits_withSeed(key, sizeof(*key), fragments->seed) % SETS];
}

static bool is_alive(const struct fragments *fragments, const struct first_fragment *first)
{
    return first->expires_ns > fragments->now_ns;
}

/* The living entry with KEY among the places of SET, or NULL. */
static struct first_fragment *find(const struct fragments *fragments, struct first_fragment *set,
                                   const struct fragment_key *key)
{
    for (size_t i = 0; i < WAYS; i++) {
        if (is_alive(fragments, &set[i]) && fragment_key_equal(&set[i].key, key))
            return &set[i];
    }
    return NULL;
}

/* The place of SET that is free or will be first. */
static struct first_fragment *find_place(struct first_fragment *set)
{
    struct first_fragment *place = &set[0];

    for (size_t i = 1; i < WAYS; i++) {
        if (set[i].expires_ns < place->expires_ns)
            place = &set[i];
    }
    return place;
}

static struct first_fragment describe(const struct packet *packet, const struct fragment_key *key,
                                      uint64_t expires_ns)
{
    struct first_fragment first = {
        .key = *key,
        .expires_ns = expires_ns,
        .length = (uint16_t)(packet->length - packet->fragment_offset),
        .proto = packet->proto,
    };

    if (packet_sees_l4(packet)) {
        first.header.length = (uint8_t)MIN_OF(packet_l4_length(packet), (size_t)L4_SHADOW_MAX);
        memcpy(first.header.bytes, packet_l4(packet), first.header.length);
    }
    return first;
}

static bool is_same(const struct first_fragment *a, const struct first_fragment *b)
{
    return a->length == b->length && a->proto == b->proto && a->header.length == b->header.length &&
           memcmp(a->header.bytes, b->header.bytes, a->header.length) == 0;
}

static enum reason remember(struct fragments *fragments, const struct packet *packet)
{
    const struct fragment_key key = fragment_key_of(packet);
    const struct first_fragment first = describe(packet, &key, fragments->now_ns + LIFE_NS);
    struct first_fragment *set = set_of(fragments, &key);
    struct first_fragment *place = find(fragments, set, &key);

    if (place != NULL && packet->family == FAMILY_IPV6 && !is_same(place, &first))
        return REASON_OVERLAPPING_FRAGMENT;
    if (place == NULL)
        place = find_place(set);
    *place = first;
    return REASON_NONE;
}

static enum reason follow(struct fragments *fragments, struct packet *packet)
{
    const struct fragment_key key = fragment_key_of(packet);
    const struct first_fragment *first = find(fragments, set_of(fragments, &key), &key);

    if (first == NULL) {
        packet->flags |= PACKET_ORPHAN;
        return REASON_NONE;
    }
    if (packet_fragment_place(packet) < first->length)
        return REASON_OVERLAPPING_FRAGMENT;
    assert(fragments->shadow_count < SHADOWS);
    packet->proto = first->proto;
    packet->shadow = &fragments->shadows[fragments->shadow_count++];
    *packet->shadow = first->header;
    return REASON_NONE;
}

enum reason fragments_follow(struct fragments *fragments, struct packet *packet)
{
    if ((packet->flags & PACKET_LATER_FRAGMENT) != 0)
        return follow(fragments, packet);
    if ((packet->flags & PACKET_TINY_FRAGMENT) != 0)
        return REASON_TINY_FRAGMENT;
    return remember(fragments, packet);
}

unsigned fragments_meet(const struct packet *packet, uint64_t seed, unsigned count)
{
    const struct fragment_key key = fragment_key_of(packet);

    return (unsigned)(XXH3_64bits_withSeed(&key, sizeof(key), seed) % count);
}
