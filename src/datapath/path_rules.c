/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a path keeps about each rule, and what of it goes on when its rules change. */
#include "path_rules.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Of a rule that is new under its name. */
#define NO_PREDECESSOR SIZE_MAX

struct path_rules {
    struct rule_memory memory;
    size_t *predecessors; /* for each rule: the number of the one that it goes on from */
};

static int compare_names(const void *a, const void *b)
{
    const struct rule *const *left = a;
    const struct rule *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

/* The rules of RULESET in the order of their names; NULL without memory. */
static const struct rule **sort_rules(const struct ruleset *ruleset)
{
    const struct rule **sorted = calloc(ruleset->rule_count + 1, sizeof(const struct rule *));

    if (sorted == NULL)
        return NULL;
    for (size_t i = 0; i < ruleset->rule_count; i++)
        sorted[i] = &ruleset->rules[i];
    qsort(sorted, ruleset->rule_count, sizeof(const struct rule *), compare_names);
    return sorted;
}

static struct bucket make_log_bucket(const struct rule *rule)
{
    if (!rule->logs)
        return (struct bucket){0};
    return bucket_make(rule->log.rate.count, rule->log.rate.period_ns, rule->log.burst);
}

/* A bucket of another rate or burst starts anew; the rest goes on. */
static void carry_over(struct rule_state *state, const struct rule_state *old)
{
    struct bucket bucket = state->log_bucket;

    *state = *old;
    if (bucket.interval_ns != old->log_bucket.interval_ns ||
        bucket.tolerance_ns != old->log_bucket.tolerance_ns)
        state->log_bucket = bucket;
}

/* What every rule begins with, and whom it goes on from. 0 or -ENOMEM. */
static int fill(struct path_rules *rules, const struct ruleset *old)
{
    const struct ruleset *ruleset = rules->memory.ruleset;
    const struct rule **sorted CLEANUP(cleanup_free) = sort_rules(old);

    if (sorted == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < ruleset->rule_count; i++) {
        const struct rule *rule = &ruleset->rules[i];
        const struct rule **same =
            bsearch(&rule, sorted, old->rule_count, sizeof(const struct rule *), compare_names);

        rules->memory.states[i].log_bucket = make_log_bucket(rule);
        rules->predecessors[i] = same != NULL ? (size_t)(*same - old->rules) : NO_PREDECESSOR;
        if (match_states_fill(&rules->memory.match_states, rule, same != NULL ? *same : NULL) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* Room for each rule of RULESET: one more than needed, so that no set has no memory. */
static int reserve(struct path_rules *rules, const struct ruleset *ruleset)
{
    rules->memory.ruleset = ruleset;
    rules->memory.states = calloc(ruleset->rule_count + 1, sizeof(*rules->memory.states));
    rules->predecessors = calloc(ruleset->rule_count + 1, sizeof(*rules->predecessors));
    rules->memory.disabled = calloc(ruleset->rule_count + 1, sizeof(*rules->memory.disabled));
    if (rules->memory.states == NULL || rules->predecessors == NULL ||
        rules->memory.disabled == NULL)
        return -ENOMEM;
    if (ruleset->tracks_flows) {
        rules->memory.flows = flow_table_new(&ruleset->flows, 0);
        if (rules->memory.flows == NULL)
            return -ENOMEM;
    }
    return match_states_init(&rules->memory.match_states, ruleset);
}

struct path_rules *path_rules_new(const struct ruleset *ruleset, const struct ruleset *old)
{
    static const struct ruleset none;
    struct path_rules *rules = calloc(1, sizeof(*rules));

    if (rules == NULL)
        return NULL;
    if (reserve(rules, ruleset) < 0 || fill(rules, old != NULL ? old : &none) < 0) {
        path_rules_free(rules);
        return NULL;
    }
    return rules;
}

void rule_memory_clear(struct rule_memory *memory)
{
    match_states_clear(&memory->match_states);
    flow_table_free(memory->flows);
    free(memory->states);
    free(memory->disabled);
    *memory = (struct rule_memory){.ruleset = NULL};
}

void path_rules_free(struct path_rules *rules)
{
    if (rules == NULL)
        return;
    rule_memory_clear(&rules->memory);
    free(rules->predecessors);
    free(rules);
}

/*
 * Flows go on as long as a rule asks for them, or one is translated: it would break. A table that
 * is there stays, whatever the room of the new one.
 */
static void keep_flows(struct path_rules *rules, struct rule_memory *old)
{
    struct flow_table *unused = rules->memory.flows;

    if (old->flows == NULL)
        return;
    if (!rules->memory.ruleset->tracks_flows && flow_table_translated(old->flows) == 0)
        return;
    rules->memory.flows = old->flows;
    old->flows = unused;
    flow_table_set_limits(rules->memory.flows, &rules->memory.ruleset->flows);
}

void path_rules_exchange(struct path_rules *rules, struct rule_memory *memory)
{
    struct rule_memory old = *memory;

    for (size_t i = 0; i < rules->memory.ruleset->rule_count; i++) {
        if (rules->predecessors[i] != NO_PREDECESSOR)
            carry_over(&rules->memory.states[i], &old.states[rules->predecessors[i]]);
    }
    match_states_take_over(&rules->memory.match_states, &old.match_states);
    keep_flows(rules, &old);
    *memory = rules->memory;
    rules->memory = old;
}
