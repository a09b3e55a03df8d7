/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums what the paths have counted. */
#include "totals.h"

#include "ipmodd/base/macro.h"

#include <errno.h>

static void add_flows(struct totals *totals, const struct flow_table *table)
{
    const struct flow_table_counters *counters = flow_table_counters(table);
    struct control_flow_totals *sum = &totals->flows;

    totals->follows_flows = true;
    sum->count += flow_table_count(table);
    sum->max += flow_table_capacity(table);
    sum->translated += flow_table_translated(table);
    sum->memory_bytes += flow_table_memory(table);
    sum->counters.added += counters->added;
    sum->counters.ended += counters->ended;
    sum->counters.displaced += counters->displaced;
    sum->counters.refused += counters->refused;
}

static void add(struct mover *mover, void *argument)
{
    struct totals *totals = argument;

    path_add_counters(mover->path, &totals->counters);
    path_add_rule_counters(mover->path, totals->rules);
    for (size_t i = 0; i < path_ruleset(mover->path)->rule_count; i++)
        totals->disabled[i] = !path_has_enabled(mover->path, i);
    histogram_merge(&totals->wakeups, &mover->wakeups);
    if (path_flows(mover->path) != NULL)
        add_flows(totals, path_flows(mover->path));
}

/* The paths were asked one after the other, and a packet may have gone from one to the next. */
static void settle(struct path_counters *counters)
{
    if ((int64_t)counters->parked < 0)
        counters->parked = 0;
}

int totals_collect(struct totals *totals, struct engine *engine)
{
    size_t rules = engine->loaded.ruleset->rule_count;

    *totals = (struct totals){
        .rules = calloc(rules + 1, sizeof(*totals->rules)),
        .disabled = calloc(rules + 1, sizeof(*totals->disabled)),
    };
    if (totals->rules == NULL || totals->disabled == NULL) {
        totals_clear(totals);
        return -ENOMEM;
    }
    engine_call(engine, add, totals);
    settle(&totals->counters);
    return 0;
}

void totals_clear(struct totals *totals)
{
    free(TAKE_PTR(totals->rules));
    free(TAKE_PTR(totals->disabled));
}
