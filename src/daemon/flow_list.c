/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the packet threads for their flows. */
#include "flow_list.h"

#include "clock.h"

/* Entries: some hundred microseconds of a packet thread. */
enum { FLUSHED_AT_ONCE = 4096, LOOKED_AT_ONCE = 4096 };

/* A part of the flows of one queue, asked on its thread. */
struct part {
    struct control_flows *flows;
    uint64_t now_ns;
    size_t flushed;
    bool end; /* of the queue */
};

static void copy_flows(struct mover *mover, void *argument)
{
    struct part *part = argument;
    struct control_flows *flows = part->flows;
    const struct flow_table *table = path_flows(mover->path);
    const size_t until = flows->entry + LOOKED_AT_ONCE;
    const struct flow *flow = NULL;

    while (table != NULL && flows->count < CONTROL_FLOWS && flows->entry < until &&
           (flow = flow_table_next(table, &flows->entry, part->now_ns)) != NULL) {
        if (flow_filter_fits(&flows->filter, flow))
            flows->items[flows->count++] =
                (struct control_flow){*flow, flow_time_left(table, flow, part->now_ns)};
    }
    part->end = flow == NULL;
}

void flow_list_get(struct engine *engine, struct control_flows *flows)
{
    struct part part = {.flows = flows, .now_ns = clock_now_ns()};

    flows->count = 0;
    flows->now_ns = part.now_ns;
    while (flows->queue < engine->worker_count && flows->count < CONTROL_FLOWS) {
        worker_call(engine->workers[flows->queue], copy_flows, &part);
        if (!part.end)
            return;
        flows->queue++;
        flows->entry = 0;
    }
    flows->end = flows->queue >= engine->worker_count;
}

static void flush_part(struct mover *mover, void *argument)
{
    struct part *part = argument;
    struct flow_table *table = path_flows(mover->path);

    part->end = table == NULL || part->flows->entry >= flow_table_capacity(table);
    if (part->end)
        return;
    part->flushed += flow_table_flush(table, part->flows->entry, FLUSHED_AT_ONCE, part->now_ns);
    part->flows->entry += FLUSHED_AT_ONCE;
}

size_t flow_list_flush(struct engine *engine)
{
    struct part part = {.now_ns = clock_now_ns()};

    for (unsigned i = 0; i < engine->worker_count; i++) {
        struct control_flows flows = {.queue = i};

        part.flows = &flows;
        do
            worker_call(engine->workers[i], flush_part, &part);
        while (!part.end);
    }
    return part.flushed;
}
