/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the packet threads for their flows, or has them forget some. */
#include "flow_list.h"

#include "clock.h"
#include "ipmodd/base/macro.h"

enum {
    LOOKED_AT_ONCE = 4096, /* entries: some hundred microseconds of a packet thread */
    FLUSH_CALLS = 64,      /* of packet threads, before others have a turn */
};

/* A part of the flows of one queue, asked on its thread. */
struct part {
    struct control_flows *flows;
    uint64_t now_ns;
    bool end; /* of the queue */
};

/* Where looking ends this time. */
static size_t end_of(const struct part *part, const struct flow_table *table)
{
    return MIN_OF(part->flows->entry + LOOKED_AT_ONCE, flow_table_used(table));
}

static void copy_flows(struct mover *mover, void *argument)
{
    struct part *part = argument;
    struct control_flows *flows = part->flows;
    const struct flow_table *table = path_flows(mover->path);
    const size_t end = table != NULL ? end_of(part, table) : 0;
    const struct flow *flow;

    while (table != NULL && flows->count < CONTROL_FLOWS &&
           (flow = flow_table_next(table, &flows->entry, end, part->now_ns)) != NULL) {
        if (flow_filter_fits(&flows->filter, flow))
            flows->items[flows->count++] =
                (struct control_flow){*flow, flow_time_left(table, flow, part->now_ns)};
    }
    flows->followed = table != NULL;
    part->end = table == NULL || flows->entry >= flow_table_used(table);
}

/* The next queue, or the end, behind one of which nothing is left. */
static void follow(const struct part *part, const struct engine *engine)
{
    struct control_flows *flows = part->flows;

    if (part->end) {
        flows->queue++;
        flows->entry = 0;
    }
    flows->end = flows->queue >= engine->worker_count;
}

void flow_list_get(struct engine *engine, struct control_flows *flows)
{
    struct part part = {.flows = flows, .now_ns = clock_monotonic_ns(), .end = true};

    flows->count = 0;
    flows->now_ns = part.now_ns;
    flows->end = flows->queue >= engine->worker_count;
    while (part.end && !flows->end && flows->count < CONTROL_FLOWS) {
        worker_call(engine->workers[flows->queue], copy_flows, &part);
        follow(&part, engine);
    }
}

static bool is_wanted(const void *filter, const struct flow *flow)
{
    return flow_filter_fits(filter, flow);
}

static void flush_part(struct mover *mover, void *argument)
{
    struct part *part = argument;
    struct control_flows *flows = part->flows;
    struct flow_table *table = path_flows(mover->path);

    part->end = table == NULL;
    if (table == NULL)
        return;
    flows->count += flow_table_flush(table, flows->entry, LOOKED_AT_ONCE, is_wanted, &flows->filter,
                                     part->now_ns);
    flows->entry = end_of(part, table);
    part->end = flows->entry >= flow_table_used(table);
}

void flow_list_flush(struct engine *engine, struct control_flows *flows)
{
    struct part part = {.flows = flows, .now_ns = clock_monotonic_ns()};

    flows->count = 0;
    flows->end = flows->queue >= engine->worker_count;
    for (unsigned i = 0; i < FLUSH_CALLS && !flows->end; i++) {
        worker_call(engine->workers[flows->queue], flush_part, &part);
        watching_drain(&engine->watching, SIZE_MAX); /* no packet may come that has it done */
        follow(&part, engine);
    }
}
