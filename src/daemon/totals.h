/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Totals: what all paths together have counted.
 *
 * Summed when somebody asks, on each path's own thread between two batches, so that the numbers of
 * one path agree with each other.
 */
#ifndef IPMODD_DAEMON_TOTALS_H
#define IPMODD_DAEMON_TOTALS_H

#include "engine.h"
#include "ipmodd/control/commands.h"

struct totals {
    struct path_counters counters;
    struct rule_counters *rules; /* owned; one for each rule in force */
    bool *disabled;              /* owned; for each of them whether it is */
    struct histogram wakeups;
    bool follows_flows;
    struct control_flow_totals flows;
};

/* 0 or -ENOMEM. */
int totals_collect(struct totals *totals, struct engine *engine);

/* Frees and empties. */
void totals_clear(struct totals *totals);

#endif
