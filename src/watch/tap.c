/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a tap, and the ring between its path and who drains it. */
#include "tap_state.h"

#include <stdlib.h>

void tap_lose(struct tap *tap, uint32_t watchers)
{
    for (uint32_t left = watchers; left != 0; left &= left - 1)
        atomic_fetch_add_explicit(&tap->lost[__builtin_ctz(left)], 1, memory_order_relaxed);
}

struct watch_record *tap_claim(struct tap *tap, enum watch_kind kind, uint32_t watchers,
                               size_t data)
{
    struct watch_record *record = record_ring_claim(&tap->ring, sizeof(*record) + data);
    struct record head;

    if (record == NULL) {
        tap_lose(tap, watchers);
        return NULL;
    }
    head = record->record;
    *record = (struct watch_record){
        .record = head,
        .kind = kind,
        .watchers = watchers,
        .ruleset = path_ruleset(tap->path),
        .queue = tap->queue,
        .number = tap->number,
        .time_ns = path_now(tap->path)->wall_ns,
    };
    return record;
}

struct tap *tap_new(struct path *path, unsigned queue)
{
    struct tap *tap = aligned_alloc(_Alignof(struct tap), sizeof(*tap));

    if (tap == NULL)
        return NULL;
    *tap = (struct tap){
        .path = path,
        .queue = queue,
        .observer = tap_packet_observer(tap),
        .flow_observer = tap_flow_observer(tap),
        .explainer = explainer_new(path, true),
        .wire = malloc(PACKET_CAPACITY),
    };
    if (tap->explainer != NULL && tap->wire != NULL &&
        record_ring_init(&tap->ring, TAP_RING_BYTES) == 0)
        return tap;
    explainer_free(tap->explainer);
    free(tap->wire);
    free(tap);
    return NULL;
}

void tap_free(struct tap *tap)
{
    const struct watch_record *record;

    if (tap == NULL)
        return;
    while ((record = tap_pop(tap)) != NULL)
        json_decref(record->explanation);
    record_ring_clear(&tap->ring);
    explainer_free(tap->explainer);
    free(tap->wire);
    free(tap);
}

void tap_set_watch(struct tap *tap, unsigned slot, struct watch *watch)
{
    watch_slots_set(&tap->slots, slot, watch);
    path_set_observer(tap->path, tap->slots.active != tap->slots.of_flows ? &tap->observer : NULL);
    path_set_flow_observer(tap->path, tap->slots.of_flows != 0 ? &tap->flow_observer : NULL);
}

const struct watch_record *tap_pop(struct tap *tap)
{
    return record_ring_pop(&tap->ring);
}

uint64_t tap_lost(const struct tap *tap, unsigned slot)
{
    return atomic_load_explicit(&tap->lost[slot], memory_order_relaxed);
}

bool tap_is_empty(const struct tap *tap)
{
    return record_ring_is_empty(&tap->ring);
}
