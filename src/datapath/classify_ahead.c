/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A look at the rules of packets that come next, so that none of them waits for memory alone. */
#include "classify.h"
#include "flow/table.h"

/* The key that a packet has now is not yet that of its rules where it may be readdressed first. */
bool classify_looks_ahead(const struct path *path)
{
    return path->ruleset->classifier != NULL && path->method == CLASSIFY_CACHED &&
           (path->flows == NULL || flow_table_translated(path->flows) == 0);
}

/* Of a fragment it is not known yet what its first one had. */
static bool is_predictable(const struct packet *packet)
{
    return packet->reason == REASON_NONE && (packet->flags & PACKET_FRAGMENT) == 0;
}

/* Where each of COUNT packets has its entry, if it has one. */
static void find_sets(struct path *path, const struct packet *packets, size_t count)
{
    const struct classifier *classifier = path->ruleset->classifier;

    for (size_t i = 0; i < count; i++) {
        const struct packet *packet = &packets[i];
        struct prospect *prospect = &path->prospects[i];

        prospect->set = NULL;
        if (!is_predictable(packet))
            continue;
        prospect->key.from = 0;
        prospect->key.generation = path->generation;
        flow_key_take(&prospect->key, packet, &classifier->masks[packet->family]);
        prospect->set = flow_cache_place(&path->flow_cache, &prospect->key, packet->family);
    }
}

/* Packets of one family that the cache does not know. */
struct missing {
    size_t count;
    const struct packet *packets[FORESIGHT_MAX];
    struct prospect *prospects[FORESIGHT_MAX];
};

/* The entries of COUNT packets. Those that have none yet to MISSING, by their families; whether
 * there are any. */
static bool find_entries(struct path *path, const struct packet *packets, size_t count,
                         struct missing *missing)
{
    size_t known = 0, asked = 0;

    for (size_t i = 0; i < count; i++) {
        struct prospect *prospect = &path->prospects[i];
        struct missing *same = &missing[packets[i].family];

        prospect->entry = NULL;
        if (prospect->set == NULL)
            continue;
        asked++;
        prospect->entry = flow_cache_find(prospect->set, &prospect->key, packets[i].family);
        if (prospect->entry != NULL) {
            known++;
            continue;
        }
        same->packets[same->count] = &packets[i];
        same->prospects[same->count++] = prospect;
    }
    path->counters.flow_hits += known;
    return known < asked;
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
}

static void search_missing(struct path *path, enum ip_family family, const struct missing *missing)
{
    struct rule_foresight foresights[FORESIGHT_MAX];

    classifier_foresee(path->ruleset->classifier, family, missing->packets, missing->count,
                       foresights);
    for (size_t i = 0; i < missing->count; i++)
        search_for(path, missing->packets[i], missing->prospects[i], &foresights[i]);
}

/* Asks memory for the first rules of COUNT packets and for what these do. */
static void fetch_rules(const struct path *path, size_t count)
{
    const struct rule *rules[FORESIGHT_MAX];
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        const struct flow_entry *entry = path->prospects[i].entry;
        uint32_t number;

        if (entry == NULL || entry->run.count == 0)
            continue;
        number = entry->run.rules[0] & ~RUN_ASK;
        rules[found++] = &path->ruleset->rules[number];
        __builtin_prefetch(&path->ruleset->rules[number]);
        __builtin_prefetch(&path->rules[number], 1);
    }
    for (size_t i = 0; i < found; i++)
        __builtin_prefetch(rules[i]->actions);
    for (size_t i = 0; i < found; i++) {
        for (size_t j = 0; j < rules[i]->action_count; j++)
            __builtin_prefetch(rules[i]->actions[j].value);
    }
}

void classify_look_ahead(struct path *path, const struct packet *packets, size_t count)
{
    struct missing missing[FAMILY_COUNT];

    for (unsigned family = 0; family < FAMILY_COUNT; family++)
        missing[family].count = 0;
    path->given_before = path->flow_cache.given;
    find_sets(path, packets, count);
    if (!find_entries(path, packets, count, missing))
        return;
    for (unsigned family = 0; family < FAMILY_COUNT; family++)
        search_missing(path, family, &missing[family]);
    fetch_rules(path, count);
}
