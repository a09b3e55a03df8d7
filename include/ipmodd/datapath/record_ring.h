/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Record ring: how a path hands records of different sizes to another thread, without waiting.
 *
 * A record is one run of bytes that begins with a struct record. The ring has a fixed size, and its
 * memory is touched only as far as it is used. One thread fills it, that of a path, and one drains
 * it; neither ever waits for the other. What finds no room is counted, and the record behind the
 * gap says how much was lost there.
 *
 * Records are claimed, filled in, and shown to the other side all at once by a push, so that the
 * one claimed last may still shrink or be taken back. Positions count up for ever; both sides see
 * them by acquire and release, as with events (event.h).
 */
#ifndef IPMODD_DATAPATH_RECORD_RING_H
#define IPMODD_DATAPATH_RECORD_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What every record begins with; the ring's own. */
struct record {
    size_t size;   /* in the ring */
    bool is_space; /* not a record: the rest of the ring, in which none fitted */
    size_t lost;   /* records that found no room since the one before */
};

struct record_ring {
    uint8_t *memory;  /* owned */
    size_t capacity;  /* bytes of it, a power of two */
    size_t claimed;   /* behind what is being filled */
    size_t lost_told; /* what records have said of `lost` so far */
    _Alignas(64) atomic_size_t pushed;
    atomic_size_t lost;
    _Alignas(64) atomic_size_t popped;
    size_t lent; /* size of the record at `popped`, which the caller of record_ring_pop() has */
};

/* CAPACITY: a power of two, 4 KiB at least. 0 or -ENOMEM. */
int record_ring_init(struct record_ring *ring, size_t capacity);
/* Safe on a zeroed one. */
void record_ring_clear(struct record_ring *ring);

/* For the side that fills: room for a record of SIZE bytes; NULL without any (counted). */
void *record_ring_claim(struct record_ring *ring, size_t size);

/*
 * RECORD, which is not pushed yet, needs no more than SIZE bytes, or, taken back, none. Both do
 * nothing and return false when another one was claimed behind it.
 */
bool record_ring_shrink(struct record_ring *ring, struct record *record, size_t size);
bool record_ring_take_back(struct record_ring *ring, struct record *record);

/* Shows the other side all that was claimed. */
void record_ring_push(struct record_ring *ring);

/* For the side that drains: the oldest record, valid until the next call; NULL without one. */
const void *record_ring_pop(struct record_ring *ring);

/* For either. */
bool record_ring_is_empty(const struct record_ring *ring);
size_t record_ring_lost(const struct record_ring *ring);

#endif
