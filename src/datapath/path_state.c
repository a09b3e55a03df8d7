/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life time of a path, and what is kept when its rules change. */
#include "path_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A rule of the old set and what it has counted. */
struct kept_rule {
    const char *name;
    const struct rule_state *state;
};

static int compare_kept(const void *a, const void *b)
{
    return strcmp(((const struct kept_rule *)a)->name, ((const struct kept_rule *)b)->name);
}

/* The old rules in the order of their names; NULL without memory. */
static struct kept_rule *sort_old_rules(const struct path *path)
{
    size_t count = path->ruleset->rule_count;
    struct kept_rule *kept = calloc(count + 1, sizeof(*kept));

    if (kept == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        kept[i] = (struct kept_rule){path->ruleset->rules[i].name, &path->rules[i]};
    qsort(kept, count, sizeof(*kept), compare_kept);
    return kept;
}

static struct bucket make_log_bucket(const struct rule *rule)
{
    if (!rule->logs)
        return (struct bucket){0};
    return bucket_make(rule->log.rate, rule->log.period_ns, rule->log.burst);
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

/* One more than needed, so that no set has no memory. */
static struct rule_state *new_states(const struct ruleset *ruleset)
{
    struct rule_state *states = calloc(ruleset->rule_count + 1, sizeof(*states));

    if (states == NULL)
        return NULL;
    for (size_t i = 0; i < ruleset->rule_count; i++)
        states[i].log_bucket = make_log_bucket(&ruleset->rules[i]);
    return states;
}

int path_set_ruleset(struct path *path, const struct ruleset *ruleset)
{
    struct kept_rule *kept = sort_old_rules(path);
    struct rule_state *states = new_states(ruleset);

    if (kept == NULL || states == NULL) {
        free(kept);
        free(states);
        return -ENOMEM;
    }
    for (size_t i = 0; i < ruleset->rule_count; i++) {
        const struct kept_rule key = {.name = ruleset->rules[i].name};
        const struct kept_rule *same =
            bsearch(&key, kept, path->ruleset->rule_count, sizeof(*kept), compare_kept);

        if (same != NULL)
            carry_over(&states[i], same->state);
    }
    free(kept);
    free(path->rules);
    path->rules = states;
    path->ruleset = ruleset;
    return 0;
}

struct path *path_new(const struct ruleset *ruleset, const struct host_view *view)
{
    struct path *path = calloc(1, sizeof(*path));

    if (path == NULL)
        return NULL;
    path->rules = new_states(ruleset);
    if (path->rules == NULL) {
        free(path);
        return NULL;
    }
    path->ruleset = ruleset;
    path->view = view;
    path->merge = MERGE_OFF;
    path->answerer.bucket = bucket_make(ANSWER_RATE, UINT64_C(1000000000), ANSWER_BURST);
    return path;
}

void path_free(struct path *path)
{
    if (path == NULL)
        return;
    free(path->rules);
    free(path);
}

const struct ruleset *path_ruleset(const struct path *path)
{
    return path->ruleset;
}

void path_set_seed(struct path *path, uint64_t seed)
{
    path->rng = rng_make(seed);
}

void path_set_merge(struct path *path, enum merge_mode mode)
{
    path->merge = mode;
}

void path_set_host_view(struct path *path, const struct host_view *view)
{
    path->view = view;
}

void path_set_observer(struct path *path, const struct observer *observer)
{
    path->observer = observer;
}

const struct path_counters *path_counters(const struct path *path)
{
    return &path->counters;
}

const struct rule_counters *path_rule_counters(const struct path *path, size_t rule)
{
    assert(rule < path->ruleset->rule_count);
    return &path->rules[rule].counters;
}

struct event_ring *path_events(struct path *path)
{
    return &path->events;
}

uint64_t path_offload_refused(const struct path *path, enum offload_class class)
{
    return path->offload_refused[class];
}

void path_count_lost(struct path *path, const struct packet *packet, enum reason reason)
{
    path->counters.out -= packet->segments;
    path->counters.out_bytes -= packet_wire_bytes(packet);
    path->counters.drops[reason] += packet->segments;
}
