/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of events, between one thread that fills it and one that drains it. */
#include "ipmodd/datapath/event.h"

#include <assert.h>

static_assert((EVENT_RING_SIZE & (EVENT_RING_SIZE - 1)) == 0, "positions may wrap around");

/* The counterpart of a release: what the other side wrote before it is seen from here on. */
static size_t load(const atomic_size_t *position)
{
    return atomic_load_explicit(position, memory_order_acquire);
}

/* Its own position a side need not ask anybody about. */
static size_t own(const atomic_size_t *position)
{
    return atomic_load_explicit(position, memory_order_relaxed);
}

static void advance(atomic_size_t *position)
{
    atomic_store_explicit(position, own(position) + 1, memory_order_release);
}

struct event *event_ring_claim(struct event_ring *ring)
{
    size_t pushed = own(&ring->pushed);

    if (pushed - load(&ring->popped) < EVENT_RING_SIZE)
        return &ring->events[pushed % EVENT_RING_SIZE];
    atomic_store_explicit(&ring->lost, own(&ring->lost) + 1, memory_order_relaxed);
    return NULL;
}

void event_ring_push(struct event_ring *ring)
{
    advance(&ring->pushed);
}

const struct event *event_ring_pop(struct event_ring *ring)
{
    if (ring->lent)
        advance(&ring->popped);
    ring->lent = own(&ring->popped) != load(&ring->pushed);
    return ring->lent ? &ring->events[own(&ring->popped) % EVENT_RING_SIZE] : NULL;
}

bool event_ring_is_empty(const struct event_ring *ring)
{
    return load(&ring->pushed) == load(&ring->popped);
}

size_t event_ring_lost(const struct event_ring *ring)
{
    return own(&ring->lost);
}
