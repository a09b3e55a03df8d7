/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums what the paths have counted. */
#include "totals.h"

#include "ipmodd/base/macro.h"

#include <errno.h>

static void add(struct mover *mover, void *argument)
{
    struct totals *totals = argument;

    path_add_counters(mover->path, &totals->counters);
    path_add_rule_counters(mover->path, totals->rules);
}

int totals_collect(struct totals *totals, struct engine *engine)
{
    size_t rules = engine->loaded.ruleset->rule_count;

    *totals = (struct totals){.rules = calloc(rules + 1, sizeof(*totals->rules))};
    if (totals->rules == NULL)
        return -ENOMEM;
    engine_call(engine, add, totals);
    return 0;
}

void totals_clear(struct totals *totals)
{
    free(TAKE_PTR(totals->rules));
}
