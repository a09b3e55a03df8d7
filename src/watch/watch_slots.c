/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which watches of a tap want what is at hand. */
#include "watch_slots.h"

#include "ipmodd/base/macro.h"

#include <assert.h>
#include <stdlib.h>

struct watch {
    const struct watch_wish *wish;
    struct filter_memory *memory; /* NULL: no filter */
    uint64_t fitted;              /* packets, of which a sample is taken */
    uint64_t told;
};

struct watch *watch_new(const struct watch_wish *wish)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    assert(wish->sample > 0);
    if (watch == NULL)
        return NULL;
    watch->wish = wish;
    if (wish->filter == NULL)
        return watch;
    watch->memory = filter_memory_new(wish->filter);
    if (watch->memory != NULL)
        return watch;
    free(watch);
    return NULL;
}

void watch_free(struct watch *watch)
{
    if (watch == NULL)
        return;
    filter_memory_free(watch->memory);
    free(watch);
}

void watch_slots_set(struct watch_slots *slots, unsigned slot, struct watch *watch)
{
    assert(slot < WATCHES_MAX);
    slots->watches[slot] = watch;
    slots->active &= ~(1u << slot);
    slots->of_flows &= ~(1u << slot);
    if (watch != NULL)
        slots->active |= 1u << slot;
    if (watch != NULL && watch->wish->kind == WATCH_FLOWS)
        slots->of_flows |= 1u << slot;
}

static bool wants(struct watch *watch, const struct path *path, const struct packet *packet,
                  enum reason fault)
{
    const struct watch_wish *wish = watch->wish;

    if (wish->limit != 0 && watch->told >= wish->limit)
        return false;
    if (watch->memory != NULL &&
        (fault != REASON_NONE || !filter_fits(watch->memory, path, packet)))
        return false;
    if (watch->fitted++ % wish->sample != 0)
        return false;
    watch->told++;
    return true;
}

uint32_t watch_slots_select(const struct watch_slots *slots, enum watch_kind kind,
                            const struct path *path, const struct packet *packet, enum reason fault)
{
    uint32_t wanted = 0;

    for (uint32_t left = slots->active; left != 0; left &= left - 1) {
        struct watch *watch = slots->watches[__builtin_ctz(left)];

        if (watch->wish->kind == kind && wants(watch, path, packet, fault))
            wanted |= left & -left;
    }
    return wanted;
}

bool watch_slots_have(const struct watch_slots *slots, enum watch_kind kind)
{
    for (uint32_t left = slots->active; left != 0; left &= left - 1) {
        if (slots->watches[__builtin_ctz(left)]->wish->kind == kind)
            return true;
    }
    return false;
}

uint32_t watch_slots_select_stages(const struct watch_slots *slots, uint32_t watchers,
                                   unsigned stages)
{
    for (uint32_t left = watchers; left != 0; left &= left - 1) {
        if ((slots->watches[__builtin_ctz(left)]->wish->stages & stages) == 0)
            watchers &= ~(left & -left);
    }
    return watchers;
}

size_t watch_slots_snap_length(const struct watch_slots *slots, uint32_t watchers)
{
    size_t most = 0;

    for (uint32_t left = watchers; left != 0; left &= left - 1)
        most = MAX_OF(most, slots->watches[__builtin_ctz(left)]->wish->snap_length);
    return most;
}

uint32_t watch_slots_select_flow(const struct watch_slots *slots, const struct flow *flow,
                                 const struct flow_event *event)
{
    uint32_t wanted = 0;

    for (uint32_t left = slots->of_flows; left != 0; left &= left - 1) {
        const struct watch_wish *wish = slots->watches[__builtin_ctz(left)]->wish;

        if ((wish->changes & WATCH_CHANGE(event->change)) != 0 &&
            flow_filter_fits(&wish->flows, flow))
            wanted |= left & -left;
    }
    return wanted;
}
