/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A look at the rules of packets that come next, so that none of them waits for memory alone. */
#include "classify.h"
#include "flow/table.h"
#include "track.h"

/* The key that a packet has now is not yet that of its rules where it may be readdressed first. */
bool classify_looks_ahead(const struct path *path)
{
    return path->ruleset->classifier != NULL && path->method == CLASSIFY_CACHED &&
           (path->flows == NULL || flow_table_translated(path->flows) == 0);
}

/* Where PACKET of FAMILY has its entry. Of a fragment it is not known yet what its first one had.
 */
__attribute__((always_inline)) static inline void
find_set(struct path *path, struct packet *packet, enum ip_family family, struct prospect *prospect)
{
    packet->direction = track_direction(packet, family, path->view);
    if ((packet->flags & PACKET_FRAGMENT) != 0)
        return;
    prospect->key.scope = flow_key_scope(path->generation, 0);
    flow_key_take(&prospect->key, packet, family, &path->ruleset->classifier->masks[family]);
    prospect->set = flow_cache_place(&path->flow_cache, &prospect->key, family);
}

static void find_sets(struct path *path, struct packet *packets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct packet *packet = &packets[i];
        struct prospect *prospect = &path->prospects[i];

        prospect->set = NULL;
        if (packet->reason != REASON_NONE)
            continue;
        if (packet->family == FAMILY_IPV4)
            find_set(path, packet, FAMILY_IPV4, prospect);
        else
            find_set(path, packet, FAMILY_IPV6, prospect);
    }
}

/* Asks memory for what a packet with RUN needs first of its first rule. */
static inline void fetch_rule(const struct path *path, const struct rule_run *run)
{
    uint32_t number = run->rules[0] & ~RUN_ASK;

    if (run->count == 0)
        return;
    __builtin_prefetch(&path->ruleset->rules[number]);
    __builtin_prefetch(&path->rules[number], 1);
}

/* The entries of COUNT packets. How many of those with a set have none. */
static size_t find_entries(struct path *path, const struct packet *packets, size_t count)
{
    size_t known = 0, asked = 0;

    for (size_t i = 0; i < count; i++) {
        struct prospect *prospect = &path->prospects[i];

        prospect->entry = NULL;
        if (prospect->set == NULL)
            continue;
        asked++;
        prospect->entry = flow_cache_find(prospect->set, &prospect->key, packets[i].family);
        if (prospect->entry == NULL)
            continue;
        known++;
        fetch_rule(path, &prospect->entry->run);
    }
    path->counters.flow_hits += known;
    return asked - known;
}

/* Another one of the same flow may have come before it. */
static void search_for(struct path *path, const struct packet *packet, struct prospect *prospect,
                       const struct rule_foresight *foresight)
{
    prospect->entry = flow_cache_find(prospect->set, &prospect->key, packet->family);
    if (prospect->entry != NULL) {
        path->counters.flow_hits++;
        return;
    }
    path->counters.flow_misses++;
    prospect->entry = flow_cache_give(&path->flow_cache, prospect->set, &prospect->key);
    classifier_search_on(path->ruleset->classifier, &path->matching, packet, foresight,
                         &prospect->entry->run);
    fetch_rule(path, &prospect->entry->run);
}

/* For those of COUNT packets that are of FAMILY and have a set, but no entry. */
static void search_missing(struct path *path, enum ip_family family, const struct packet *packets,
                           size_t count)
{
    struct rule_foresight foresights[FORESIGHT_MAX];
    const struct packet *missing[FORESIGHT_MAX] = {NULL};
    struct prospect *prospects[FORESIGHT_MAX];
    size_t missed = 0;

    for (size_t i = 0; i < count; i++) {
        struct prospect *prospect = &path->prospects[i];

        if (packets[i].family != family || prospect->set == NULL || prospect->entry != NULL)
            continue;
        missing[missed] = &packets[i];
        prospects[missed++] = prospect;
    }
    classifier_foresee(path->ruleset->classifier, family, missing, missed, foresights);
    for (size_t i = 0; i < missed; i++)
        search_for(path, missing[i], prospects[i], &foresights[i]);
}

/* Asks memory for what the first rules of COUNT packets do. */
static void fetch_actions(const struct path *path, size_t count)
{
    const struct rule *rules[FORESIGHT_MAX];
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        const struct flow_entry *entry = path->prospects[i].entry;

        if (entry != NULL && entry->run.count > 0)
            rules[found++] = &path->ruleset->rules[entry->run.rules[0] & ~RUN_ASK];
    }
    for (size_t i = 0; i < found; i++)
        __builtin_prefetch(rules[i]->actions);
    for (size_t i = 0; i < found; i++) {
        for (size_t j = 0; j < rules[i]->action_count; j++)
            __builtin_prefetch(rules[i]->actions[j].value);
    }
}

void classify_look_ahead(struct path *path, struct packet *packets, size_t count)
{
    path->given_before = path->flow_cache.given;
    find_sets(path, packets, count);
    if (find_entries(path, packets, count) == 0)
        return;
    for (unsigned family = 0; family < FAMILY_COUNT; family++)
        search_missing(path, family, packets, count);
    fetch_actions(path, count);
}
