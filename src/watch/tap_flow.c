/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tap as the observer of flows: one record a change that somebody wants. */
#include "tap_state.h"

#include <assert.h>
#include <string.h>

const struct watch_flow *watch_record_flow(const struct watch_record *record)
{
    assert(record->kind == WATCH_FLOWS);
    return (const struct watch_flow *)(const void *)record->data;
}

/* May come in the middle of a packet, and is then shown together with that. */
static void told_of_flow(void *context, const struct flow *flow, const struct flow_event *event)
{
    struct tap *tap = context;
    const struct moment *moment = path_now(tap->path);
    uint32_t wanted = watch_slots_select_flow(&tap->slots, flow, event);
    struct watch_record *record;
    struct watch_flow told;

    if (wanted == 0)
        return;
    record = tap_claim(tap, WATCH_FLOWS, wanted, sizeof(told));
    if (record == NULL)
        return;
    record->time_ns += event->now_ns - moment->now_ns; /* it may be no packet that caused it */
    told = (struct watch_flow){*flow, *event,
                               flow_time_left(path_flows(tap->path), flow, event->now_ns)};
    memcpy(record->data, &told, sizeof(told));
    if (tap->record == NULL)
        record_ring_push(&tap->ring);
}

struct flow_observer tap_flow_observer(struct tap *tap)
{
    return (struct flow_observer){tap, told_of_flow};
}
