/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of events. */
#include "ipmodd/datapath/event.h"

struct event *event_ring_push(struct event_ring *ring)
{
    size_t slot = (ring->head + ring->count) % EVENT_RING_SIZE;

    if (ring->count == EVENT_RING_SIZE) {
        ring->lost++;
        return NULL;
    }
    ring->count++;
    return &ring->events[slot];
}

const struct event *event_ring_pop(struct event_ring *ring)
{
    const struct event *oldest = &ring->events[ring->head];

    if (ring->count == 0)
        return NULL;
    ring->head = (ring->head + 1) % EVENT_RING_SIZE;
    ring->count--;
    return oldest;
}
