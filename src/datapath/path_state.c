/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life time of a path, and what is kept when its rules change. */
#include "path_state.h"

#include "ipmodd/base/macro.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A rule of the old set and what it has counted. */
struct kept_rule {
    const char *name;
    const struct rule *rule;
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
        kept[i] = (struct kept_rule){path->ruleset->rules[i].name, &path->ruleset->rules[i],
                                     &path->rules[i]};
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

/* Everything that belongs to the rules of one set. */
struct fresh {
    struct rule_state *rules;
    struct match_states match_states;
};

static void fresh_clear(struct fresh *fresh)
{
    free(fresh->rules);
    match_states_clear(&fresh->match_states);
}

/* That of RULESET, for rules that were not there before. 0 or -ENOMEM with nothing made. */
static int fresh_init(struct fresh *fresh, const struct ruleset *ruleset)
{
    *fresh = (struct fresh){.rules = new_states(ruleset)};
    if (fresh->rules != NULL && match_states_init(&fresh->match_states, ruleset) == 0)
        return 0;
    fresh_clear(fresh);
    return -ENOMEM;
}

/* Takes over FRESH, made for RULESET, in place of what PATH has. */
static void adopt(struct path *path, const struct ruleset *ruleset, const struct fresh *fresh)
{
    match_states_clear(&path->match_states);
    free(path->rules);
    path->rules = fresh->rules;
    path->match_states = fresh->match_states;
    path->ruleset = ruleset;
}

/* Fills FRESH from the old rules, KEPT. 0, or -ENOMEM with them as they were. */
static int inherit(const struct path *path, const struct ruleset *ruleset,
                   const struct kept_rule *kept, struct fresh *fresh)
{
    for (size_t i = 0; i < ruleset->rule_count; i++) {
        const struct rule *rule = &ruleset->rules[i];
        const struct kept_rule key = {.name = rule->name};
        const struct kept_rule *same =
            bsearch(&key, kept, path->ruleset->rule_count, sizeof(*kept), compare_kept);

        if (match_states_fill(&fresh->match_states, rule, same != NULL ? same->rule : NULL) < 0)
            return -ENOMEM;
        if (same != NULL)
            carry_over(&fresh->rules[i], same->state);
    }
    return 0;
}

int path_set_ruleset(struct path *path, const struct ruleset *ruleset)
{
    struct kept_rule CLEANUP(cleanup_free) *kept = sort_old_rules(path);
    struct fresh fresh;

    if (kept == NULL || fresh_init(&fresh, ruleset) < 0)
        return -ENOMEM;
    if (inherit(path, ruleset, kept, &fresh) < 0) {
        fresh_clear(&fresh);
        return -ENOMEM;
    }
    match_states_take_over(&fresh.match_states, &path->match_states);
    adopt(path, ruleset, &fresh);
    return 0;
}

/* What every rule of RULESET begins with. 0 or -ENOMEM with nothing made. */
static int begin_rules(struct path *path, const struct ruleset *ruleset)
{
    struct fresh fresh;

    if (fresh_init(&fresh, ruleset) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < ruleset->rule_count; i++) {
        if (match_states_fill(&fresh.match_states, &ruleset->rules[i], NULL) < 0) {
            fresh_clear(&fresh);
            return -ENOMEM;
        }
    }
    adopt(path, ruleset, &fresh);
    return 0;
}

struct path *path_new(const struct ruleset *ruleset, const struct host_view *view)
{
    struct path *path = calloc(1, sizeof(*path));

    if (path == NULL)
        return NULL;
    if (begin_rules(path, ruleset) < 0) {
        free(path);
        return NULL;
    }
    path->view = view;
    path->merging = (struct merging){.mode = MERGE_OFF};
    path->answerer.bucket = bucket_make(ANSWER_RATE, UINT64_C(1000000000), ANSWER_BURST);
    return path;
}

void path_free(struct path *path)
{
    if (path == NULL)
        return;
    match_states_clear(&path->match_states);
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

void path_set_merge(struct path *path, enum merge_mode mode, unsigned classes)
{
    path->merging = (struct merging){mode, classes};
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
