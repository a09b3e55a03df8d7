/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What paths share, and the rings between them. */
#include "shards.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/record_ring.h"
#include "mapping.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { RING_BYTES = 1 << 20 }; /* sixteen super-packets */

/* Flags that do not follow from the bytes. */
enum { FLAGS_HANDED = PACKET_TTL_RESTORED | PACKET_GATHERED | PACKET_WAITED };

struct handed_record {
    struct record record;
    size_t length;
    struct virtio_net vnet;
    uint16_t flags;
    uint8_t bytes[];
};

/* What one path gets. */
struct inbox {
    _Alignas(64) atomic_bool rung;        /* its path is told, and has not looked yet */
    struct record_ring rings[SHARDS_MAX]; /* by the number of who fills it */
    unsigned next;                        /* whose turn it is */
};

struct shards {
    unsigned count;
    uint64_t seed;
    struct directory *directory;
    pthread_mutex_t lock; /* of the mappings */
    struct mappings *mappings;
    _Alignas(64) atomic_size_t translated; /* flows */
    struct inbox inboxes[SHARDS_MAX];
};

static int open_rings(struct shards *shards)
{
    int error = 0;

    for (unsigned to = 0; to < shards->count; to++) {
        for (unsigned from = 0; from < shards->count && error == 0; from++) {
            if (from != to)
                error = record_ring_init(&shards->inboxes[to].rings[from], RING_BYTES);
        }
    }
    return error;
}

static void init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

struct shards *shards_new(unsigned count, size_t flows, uint64_t seed)
{
    struct shards *shards = aligned_alloc(_Alignof(struct shards), sizeof(*shards));

    assert(count >= 2 && count <= SHARDS_MAX);
    if (shards == NULL)
        return NULL;
    memset(shards, 0, sizeof(*shards));
    shards->count = count;
    shards->seed = seed;
    init_lock(&shards->lock);
    shards->directory = directory_new(FLOW_WAYS * flows, seed);
    shards->mappings = mappings_new(flows);
    if (shards->directory == NULL || shards->mappings == NULL || open_rings(shards) < 0) {
        shards_free(shards);
        return NULL;
    }
    mappings_seed(shards->mappings, ~seed);
    return shards;
}

void shards_free(struct shards *shards)
{
    if (shards == NULL)
        return;
    for (unsigned to = 0; to < shards->count; to++) {
        for (unsigned from = 0; from < shards->count; from++)
            record_ring_clear(&shards->inboxes[to].rings[from]);
    }
    directory_free(shards->directory);
    mappings_free(shards->mappings);
    pthread_mutex_destroy(&shards->lock);
    free(shards);
}

struct directory *shards_directory(struct shards *shards)
{
    return shards->directory;
}

struct mappings *shards_mappings(struct shards *shards)
{
    return shards->mappings;
}

void shards_lock(struct shards *shards)
{
    pthread_mutex_lock(&shards->lock);
}

void shards_unlock(struct shards *shards)
{
    pthread_mutex_unlock(&shards->lock);
}

unsigned shards_count(const struct shards *shards)
{
    return shards->count;
}

uint64_t shards_seed(const struct shards *shards)
{
    return shards->seed;
}

void shards_change_translated(struct shards *shards, int change)
{
    atomic_fetch_add_explicit(&shards->translated, (size_t)change, memory_order_relaxed);
}

bool shards_translate(const struct shards *shards)
{
    return atomic_load_explicit(&shards->translated, memory_order_relaxed) > 0;
}

bool shards_hand(struct shards *shards, unsigned from, unsigned to, const struct packet *packet)
{
    struct record_ring *ring = &shards->inboxes[to].rings[from];
    struct handed_record *record;

    assert(from != to && to < shards->count);
    record = record_ring_claim(ring, sizeof(*record) + packet->length);
    if (record == NULL)
        return false;
    record->length = packet->length;
    record->vnet = packet->vnet;
    record->flags = packet->flags & FLAGS_HANDED;
    memcpy(record->bytes, packet->data, packet->length);
    return true;
}

unsigned shards_push(struct shards *shards, unsigned from, unsigned targets)
{
    unsigned woken = 0;

    for (unsigned to = 0; to < shards->count; to++) {
        if ((targets & (1u << to)) == 0)
            continue;
        record_ring_push(&shards->inboxes[to].rings[from]);
        if (!atomic_exchange(&shards->inboxes[to].rung, true))
            woken |= 1u << to;
    }
    return woken;
}

/* The exchange orders what follows behind what was told before it. */
bool shards_look(struct shards *shards, unsigned number)
{
    struct inbox *inbox = &shards->inboxes[number];

    return atomic_load_explicit(&inbox->rung, memory_order_relaxed) &&
           atomic_exchange(&inbox->rung, false);
}

static bool take_from(struct record_ring *ring, struct handed *ret_handed)
{
    const struct handed_record *record = record_ring_pop(ring);

    if (record == NULL)
        return false;
    *ret_handed = (struct handed){record->bytes, record->length, record->vnet, record->flags};
    return true;
}

bool shards_take(struct shards *shards, unsigned number, struct handed *ret_handed)
{
    struct inbox *inbox = &shards->inboxes[number];

    for (unsigned i = 0; i < shards->count; i++) {
        unsigned from = (inbox->next + i) % shards->count;

        if (from == number || !take_from(&inbox->rings[from], ret_handed))
            continue;
        inbox->next = from; /* as long as it has any, so that its memory stays near */
        return true;
    }
    return false;
}
