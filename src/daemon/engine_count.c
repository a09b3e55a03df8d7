/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all paths of the engine have to tell: counters, notices, events, and flows at their end. */
#include "engine.h"

#include "clock.h"

/* Entries of a flow table: some hundred microseconds. */
enum { SWEPT_AT_ONCE = 4096 };

unsigned engine_take_notices(struct engine *engine, unsigned notices)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < engine->worker_count; i++)
        taken |= worker_take_notices(engine->workers[i], notices);
    return taken;
}

static void add_counters(struct mover *mover, void *argument)
{
    path_add_counters(mover->path, argument);
}

void engine_count(struct engine *engine, struct path_counters *ret_sum)
{
    *ret_sum = (struct path_counters){.in = 0};
    engine_call(engine, add_counters, ret_sum);
}

static void add_refused(struct mover *mover, void *argument)
{
    uint64_t *sums = argument;

    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT; i++)
        sums[i] += path_offload_refused(mover->path, i);
}

void engine_count_refused(struct engine *engine, uint64_t ret_refused[OFFLOAD_CLASS_COUNT])
{
    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT; i++)
        ret_refused[i] = 0;
    engine_call(engine, add_refused, ret_refused);
}

static void sweep_flows(struct mover *mover, void *argument)
{
    const uint64_t *now_ns = argument;

    if (path_flows(mover->path) != NULL)
        flow_table_sweep(path_flows(mover->path), SWEPT_AT_ONCE, *now_ns);
}

void engine_sweep_flows(struct engine *engine)
{
    uint64_t now_ns = clock_monotonic_ns();

    if (engine->shards != NULL)
        engine_call(engine, sweep_flows, &now_ns);
}

void engine_report(struct engine *engine)
{
    uint64_t lost = 0;

    for (unsigned i = 0; i < engine->worker_count; i++) {
        struct event_ring *events = worker_events(engine->workers[i]);

        report_events(events);
        lost += event_ring_lost(events);
    }
    report_loss(&engine->reporter, lost);
}
