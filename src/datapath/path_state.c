/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life time of a path, and what others set and ask of it. */
#include "path_state.h"

#include "flow/table.h"

#include "ipmodd/base/macro.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Its ring has an alignment of its own. */
static struct path *allocate(void)
{
    struct path *path = aligned_alloc(_Alignof(struct path), sizeof(*path));

    if (path != NULL)
        memset(path, 0, sizeof(*path));
    return path;
}

static struct rule_memory take_memory(const struct path *path)
{
    return (struct rule_memory){path->ruleset, path->rules, path->match_states, path->flows,
                                path->disabled};
}

void path_exchange_rules(struct path *path, struct path_rules *rules)
{
    struct rule_memory memory = take_memory(path);

    path_rules_exchange(rules, &memory);
    path->ruleset = memory.ruleset;
    path->rules = memory.states;
    path->match_states = memory.match_states;
    path->generation++;
    path->flows = memory.flows;
    path->disabled = memory.disabled;
    path->disabled_count = 0;
    if (path->flows == NULL)
        return;
    table_join(path->flows, path->shards, path->shard);
    flow_table_seed(path->flows, path->flow_seed);
    flow_table_set_observer(path->flows, path->flow_observer);
}

struct path *path_new(const struct ruleset *ruleset, const struct host_view *view)
{
    struct path_rules *rules = path_rules_new(ruleset, NULL);
    struct fragments *fragments = fragments_new();
    struct fragment_park *park = fragment_park_new();
    struct path *path = allocate();

    if (path == NULL || fragments == NULL || park == NULL || rules == NULL ||
        flow_cache_init(&path->flow_cache) < 0 ||
        record_ring_init(&path->captures, CAPTURE_RING_BYTES) < 0) {
        path_rules_free(rules);
        fragments_free(fragments);
        fragment_park_free(park);
        if (path != NULL)
            flow_cache_clear(&path->flow_cache);
        free(path);
        return NULL;
    }
    path_exchange_rules(path, rules);
    path_rules_free(rules);
    path->view = view;
    path->fragments = fragments;
    path->park = park;
    path->merging = (struct merging){.mode = MERGE_OFF};
    path->answerer.bucket = bucket_make(ANSWER_RATE, UINT64_C(1000000000), ANSWER_BURST);
    return path;
}

void path_free(struct path *path)
{
    struct rule_memory memory;

    if (path == NULL)
        return;
    memory = take_memory(path);
    rule_memory_clear(&memory);
    fragments_free(path->fragments);
    fragment_park_free(path->park);
    record_ring_clear(&path->captures);
    flow_cache_clear(&path->flow_cache);
    free(path);
}

const struct ruleset *path_ruleset(const struct path *path)
{
    return path->ruleset;
}

void path_set_seed(struct path *path, uint64_t seed)
{
    struct rng apart = rng_make(~seed); /* so that what rules draw tells nothing of the table */

    path->rng = rng_make(seed);
    fragments_seed(path->fragments, rng_u64(&apart));
    fragment_park_seed(path->park, rng_u64(&apart));
    path->flow_seed = rng_u64(&apart);
    if (path->flows != NULL)
        flow_table_seed(path->flows, path->flow_seed);
}

void path_set_merge(struct path *path, enum merge_mode mode, unsigned classes)
{
    path->merging = (struct merging){mode, classes};
}

void path_set_host_view(struct path *path, const struct host_view *view)
{
    path->view = view;
    path->view_is_new = true;
}

void path_set_observer(struct path *path, const struct observer *observer)
{
    path->observer = observer;
}

void path_set_flow_observer(struct path *path, const struct flow_observer *observer)
{
    path->flow_observer = observer;
    if (path->flows != NULL)
        flow_table_set_observer(path->flows, observer);
}

void path_set_own_prefix_listener(struct path *path, const struct own_prefix_listener *listener)
{
    path->own_prefix_listener = listener;
}

const struct moment *path_now(const struct path *path)
{
    return &path->matching.time;
}

const struct path_counters *path_counters(const struct path *path)
{
    return &path->counters;
}

static_assert(sizeof(struct path_counters) % sizeof(uint64_t) == 0, "an array of counters");

void path_add_counters(const struct path *path, struct path_counters *sum)
{
    const uint64_t *counters = (const uint64_t *)&path->counters;
    uint64_t *sums = (uint64_t *)sum;

    for (size_t i = 0; i < sizeof(*sum) / sizeof(*sums); i++)
        sums[i] += counters[i];
}

void path_add_rule_counters(const struct path *path, struct rule_counters *sums)
{
    for (size_t i = 0; i < path->ruleset->rule_count; i++) {
        sums[i].packets += path->rules[i].counters.packets;
        sums[i].bytes += path->rules[i].counters.bytes;
        sums[i].last_ns = MAX_OF(sums[i].last_ns, path->rules[i].counters.last_ns);
    }
}

void path_enable_rule(struct path *path, size_t rule, bool enabled)
{
    assert(rule < path->ruleset->rule_count);
    if (path->disabled[rule] != enabled)
        return;
    path->disabled[rule] = !enabled;
    if (enabled)
        path->disabled_count--;
    else
        path->disabled_count++;
}

bool path_has_enabled(const struct path *path, size_t rule)
{
    assert(rule < path->ruleset->rule_count);
    return !path->disabled[rule];
}

void path_reset_rule_counters(struct path *path)
{
    for (size_t i = 0; i < path->ruleset->rule_count; i++)
        path->rules[i].counters = (struct rule_counters){.packets = 0};
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

struct flow_table *path_flows(struct path *path)
{
    return path->flows;
}

struct record_ring *path_captures(struct path *path)
{
    return &path->captures;
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
