/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of captured packets: records of different sizes, each in one piece. */
#include "ipmodd/datapath/capture.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static_assert((CAPTURE_RING_BYTES & (CAPTURE_RING_BYTES - 1)) == 0, "positions may wrap around");

/* A cache line, so that the two sides share none, and at the ring's end there is always enough left
 * to say that it is skipped. */
enum { ALIGNMENT = 64 };

static_assert(offsetof(struct capture_record, is_space) < ALIGNMENT, "a mark fits");
static_assert(CAPTURE_RING_BYTES % ALIGNMENT == 0, "no smaller piece is left");

int capture_ring_init(struct capture_ring *ring)
{
    *ring = (struct capture_ring){.memory = aligned_alloc(ALIGNMENT, CAPTURE_RING_BYTES)};
    return ring->memory != NULL ? 0 : -ENOMEM;
}

void capture_ring_clear(struct capture_ring *ring)
{
    free(ring->memory);
    ring->memory = NULL;
}

static size_t load(const atomic_size_t *position)
{
    return atomic_load_explicit(position, memory_order_acquire);
}

static size_t own(const atomic_size_t *position)
{
    return atomic_load_explicit(position, memory_order_relaxed);
}

static struct capture_record *record_at(const struct capture_ring *ring, size_t position)
{
    return (struct capture_record *)(void *)(ring->memory + position % CAPTURE_RING_BYTES);
}

static size_t size_for(size_t data)
{
    return (sizeof(struct capture_record) + data + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Whether SIZE bytes in one piece are free. For that the ring's end may have to be skipped. */
static bool make_room(struct capture_ring *ring, size_t size)
{
    size_t used = ring->claimed - load(&ring->popped);
    size_t left = CAPTURE_RING_BYTES - ring->claimed % CAPTURE_RING_BYTES;
    size_t skipped = left < size ? left : 0;

    if (skipped + size > CAPTURE_RING_BYTES - used)
        return false;
    if (skipped > 0) {
        struct capture_record *space = record_at(ring, ring->claimed);

        space->size = skipped;
        space->is_space = true;
        ring->claimed += skipped;
    }
    return true;
}

struct capture_record *capture_ring_claim(struct capture_ring *ring, size_t data)
{
    size_t size = size_for(data), lost = own(&ring->lost);
    struct capture_record *record;

    if (!make_room(ring, size)) {
        atomic_store_explicit(&ring->lost, lost + 1, memory_order_relaxed);
        return NULL;
    }
    record = record_at(ring, ring->claimed);
    record->size = size;
    record->is_space = false;
    record->lost = lost - ring->lost_told;
    ring->lost_told = lost;
    ring->claimed += size;
    return record;
}

void capture_ring_push(struct capture_ring *ring)
{
    atomic_store_explicit(&ring->pushed, ring->claimed, memory_order_release);
}

static void give_back(struct capture_ring *ring, size_t size)
{
    atomic_store_explicit(&ring->popped, own(&ring->popped) + size, memory_order_release);
}

const struct capture_record *capture_ring_pop(struct capture_ring *ring)
{
    const struct capture_record *record;

    give_back(ring, ring->lent);
    ring->lent = 0;
    if (own(&ring->popped) == load(&ring->pushed))
        return NULL;
    record = record_at(ring, own(&ring->popped));
    if (record->is_space) {
        give_back(ring, record->size);
        record = record_at(ring, own(&ring->popped));
    }
    ring->lent = record->size;
    return record;
}

bool capture_ring_is_empty(const struct capture_ring *ring)
{
    return load(&ring->pushed) == load(&ring->popped);
}

size_t capture_ring_lost(const struct capture_ring *ring)
{
    return own(&ring->lost);
}
