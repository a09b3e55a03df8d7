/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A look at the rules of packets that come next, so that none of them waits for memory. */
#include "classify.h"

bool classify_should_look_ahead(struct path *path, size_t count)
{
    uint64_t misses = path->counters.flow_misses - path->misses_before;
    bool many = 2 * misses >= path->packets_before;

    path->misses_before = path->counters.flow_misses;
    path->packets_before = count;
    return many && count > 1 && path->ruleset->classifier != NULL &&
           path->method == CLASSIFY_CACHED;
}

/* Asks memory for what the searches for the rules of PACKETS will look at. */
static void fetch_searches(const struct path *path, const struct packet *packets, size_t count)
{
    const struct classifier *classifier = path->ruleset->classifier;
    struct rule_foresight foresights[FORESIGHT_MAX];
    size_t made = 0;

    for (size_t i = 0; i < count; i++) {
        struct flow_key key = {.from = 0, .generation = path->generation};

        if (packets[i].reason != REASON_NONE)
            continue;
        flow_key_take(&key, &packets[i], &classifier->masks[packets[i].family]);
        flow_cache_fetch(&path->flow_cache, &key, packets[i].family);
        foresights[made++] = classifier_foresee(classifier, &packets[i]);
    }
    rule_tree_fetch(foresights, made);
}

/* The first rule for PACKET, whose memory is asked for, to *RET_RULE. False when there is none. */
static bool search_ahead(struct path *path, const struct packet *packet, uint32_t *ret_rule)
{
    bool found;
    const struct rule_run *run = classify_cached_run(path, packet, 0, &found);

    path->counters.flow_misses += !found;
    path->searched_ahead += !found;
    if (run->count == 0)
        return false;
    *ret_rule = run->rules[0] & ~RUN_ASK;
    __builtin_prefetch(&path->ruleset->rules[*ret_rule]);
    __builtin_prefetch(&path->rules[*ret_rule], 1);
    return true;
}

/* Asks memory for what COUNT rules do, step by step for all of them. */
static void fetch_actions(const struct ruleset *ruleset, const uint32_t *rules, size_t count)
{
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(ruleset->rules[rules[i]].actions);
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &ruleset->rules[rules[i]];

        for (size_t j = 0; j < rule->action_count; j++)
            __builtin_prefetch(rule->actions[j].value);
    }
}

void classify_look_ahead(struct path *path, const struct packet *packets, size_t count)
{
    uint32_t rules[FORESIGHT_MAX];
    size_t found = 0;

    path->searched_ahead = 0;
    fetch_searches(path, packets, count);
    for (size_t i = 0; i < count; i++) {
        if (packets[i].reason == REASON_NONE && search_ahead(path, &packets[i], &rules[found]))
            found++;
    }
    fetch_actions(path->ruleset, rules, found);
}
