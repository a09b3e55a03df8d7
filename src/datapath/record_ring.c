/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of records of different sizes, each in one piece. */
#include "ipmodd/datapath/record_ring.h"

#include "ipmodd/base/macro.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>

/* A cache line, so that the two sides share none, and at the ring's end there is always enough left
 * to say that it is skipped. */
enum { ALIGNMENT = 64 };

static_assert(sizeof(struct record) <= ALIGNMENT, "a mark fits");

/* Pages of its own, which go back to the system when the ring goes. */
int record_ring_init(struct record_ring *ring, size_t capacity)
{
    void *memory = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert(capacity >= 4096 && (capacity & (capacity - 1)) == 0); /* positions may wrap around */
    if (memory == MAP_FAILED)
        return -ENOMEM;
    *ring = (struct record_ring){.memory = memory, .capacity = capacity};
    return 0;
}

void record_ring_clear(struct record_ring *ring)
{
    if (ring->memory != NULL)
        munmap(TAKE_PTR(ring->memory), ring->capacity);
}

static size_t load(const atomic_size_t *position)
{
    return atomic_load_explicit(position, memory_order_acquire);
}

static size_t own(const atomic_size_t *position)
{
    return atomic_load_explicit(position, memory_order_relaxed);
}

static size_t offset_of(const struct record_ring *ring, size_t position)
{
    return position & (ring->capacity - 1);
}

static struct record *record_at(const struct record_ring *ring, size_t position)
{
    return (struct record *)(void *)(ring->memory + offset_of(ring, position));
}

static size_t round_up(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Whether SIZE bytes in one piece are free. For that the ring's end may have to be skipped. */
static bool make_room(struct record_ring *ring, size_t size)
{
    size_t used = ring->claimed - load(&ring->popped);
    size_t left = ring->capacity - offset_of(ring, ring->claimed);
    size_t skipped = left < size ? left : 0;

    if (skipped + size > ring->capacity - used)
        return false;
    if (skipped > 0) {
        *record_at(ring, ring->claimed) = (struct record){.size = skipped, .is_space = true};
        ring->claimed += skipped;
    }
    return true;
}

void *record_ring_claim(struct record_ring *ring, size_t size)
{
    size_t taken = round_up(size), lost = own(&ring->lost);
    struct record *record;

    if (!make_room(ring, taken)) {
        atomic_store_explicit(&ring->lost, lost + 1, memory_order_relaxed);
        return NULL;
    }
    record = record_at(ring, ring->claimed);
    *record = (struct record){.size = taken, .lost = lost - ring->lost_told};
    ring->lost_told = lost;
    ring->claimed += taken;
    return record;
}

static bool is_last(const struct record_ring *ring, const struct record *record)
{
    return record_at(ring, ring->claimed - record->size) == record;
}

bool record_ring_shrink(struct record_ring *ring, struct record *record, size_t size)
{
    size_t taken = round_up(size);

    assert(taken <= record->size);
    if (!is_last(ring, record))
        return false;
    ring->claimed -= record->size - taken;
    record->size = taken;
    return true;
}

bool record_ring_take_back(struct record_ring *ring, struct record *record)
{
    if (!is_last(ring, record))
        return false;
    ring->claimed -= record->size;
    ring->lost_told -= record->lost;
    return true;
}

void record_ring_push(struct record_ring *ring)
{
    atomic_store_explicit(&ring->pushed, ring->claimed, memory_order_release);
}

static void give_back(struct record_ring *ring, size_t size)
{
    atomic_store_explicit(&ring->popped, own(&ring->popped) + size, memory_order_release);
}

const void *record_ring_pop(struct record_ring *ring)
{
    size_t pushed = load(&ring->pushed);
    const struct record *record;

    give_back(ring, ring->lent);
    ring->lent = 0;
    while (own(&ring->popped) != pushed) {
        record = record_at(ring, own(&ring->popped));
        if (!record->is_space) {
            ring->lent = record->size;
            return record;
        }
        give_back(ring, record->size);
    }
    return NULL;
}

bool record_ring_is_empty(const struct record_ring *ring)
{
    return load(&ring->pushed) == load(&ring->popped);
}

size_t record_ring_lost(const struct record_ring *ring)
{
    return own(&ring->lost);
}
