/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule memory: what a path keeps about the rules that are in force, and how it passes to the next
 * ruleset.
 *
 * All that needs memory or time is done beforehand and by another thread (path_rules_new() in
 * path.h): rooms for the new rules, and for each the rule that it goes on from. The path's thread
 * moves what goes on and exchanges two objects.
 */
#ifndef IPMODD_DATAPATH_PATH_RULES_H
#define IPMODD_DATAPATH_PATH_RULES_H

#include "ipmodd/base/bucket.h"
#include "ipmodd/datapath/flow.h"
#include "ipmodd/datapath/path.h"
#include "match_states.h"

/* What changes of a rule while packets flow. */
struct rule_state {
    struct rule_counters counters;
    struct bucket log_bucket; /* with rule.logs */
    uint64_t log_suppressed;  /* since the last entry */
};

struct rule_memory {
    const struct ruleset *ruleset; /* borrowed */
    struct rule_state *states;     /* one for each rule of the set */
    struct match_states match_states;
    struct flow_table *flows; /* NULL: none are tracked */
    bool *disabled;           /* for each rule whether it is; owned */
};

/* Moves what goes on from MEMORY to that of RULES, and exchanges the two. */
void path_rules_exchange(struct path_rules *rules, struct rule_memory *memory);

/* Frees and empties; safe on a zeroed one. */
void rule_memory_clear(struct rule_memory *memory);

#endif
