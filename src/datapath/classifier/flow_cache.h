/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow cache: what the classifier found for the flows that were seen last.
 *
 * A fixed number of entries in sets of two; a new flow takes the place of an older one, so nothing
 * is ever allocated or cleaned. Keys are compared in full: two flows never share an answer. The
 * hash is seeded (XXH3), so that nobody can choose packets that all fall into one set. A key has
 * the generation of the ruleset in it, so that a new ruleset finds nothing without a flush.
 *
 * Belongs to one path.
 */
#ifndef IPMODD_DATAPATH_FLOW_CACHE_H
#define IPMODD_DATAPATH_FLOW_CACHE_H

#include "classifier.h"

static_assert((int)FLOW_KEY_WORDS == 6, "what flow_entry_is() compares");

enum {
    FLOW_CACHE_SETS = 8192,
    FLOW_CACHE_WAYS = 2,
};

/* Two lines of the processor's cache: the key and what says how much is found, then the rules. */
struct flow_entry {
    struct flow_key key;
    struct rule_run run;
};

struct flow_cache {
    void *memory;
    struct flow_entry (*sets)[FLOW_CACHE_WAYS]; /* in it, at the start of a line */
    size_t set_mask;                            /* their number, a power of two, less one */
    uint64_t seed;
    uint64_t given; /* entries that got another key, ever */
};

/* 0 or -ENOMEM. */
int flow_cache_init(struct flow_cache *cache);
void flow_cache_clear(struct flow_cache *cache);

/* The set where KEY, of a packet of FAMILY, stands or would stand; asks memory for it. */
struct flow_entry *flow_cache_place(const struct flow_cache *cache, const struct flow_key *key,
                                    enum ip_family family);

/* Whether ENTRY is that of KEY. */
static inline bool flow_entry_is(const struct flow_entry *entry, const struct flow_key *key,
                                 enum ip_family family)
{
    const uint64_t *a = entry->key.words, *b = key->words;
    uint64_t difference = (entry->key.scope ^ key->scope) | (a[0] ^ b[0]) | (a[1] ^ b[1]) |
                          (a[2] ^ b[2]);

    if (family == FAMILY_IPV6)
        difference |= (a[3] ^ b[3]) | (a[4] ^ b[4]) | (a[5] ^ b[5]);
    return difference == 0;
}

/*
 * The entry of KEY, of a packet of FAMILY, in its SET; NULL: there is none. Whose it is may change
 * with each flow_cache_give().
 */
static inline struct flow_entry *flow_cache_find(struct flow_entry *set, const struct flow_key *key,
                                                 enum ip_family family)
{
    for (size_t i = 0; i < FLOW_CACHE_WAYS; i++) {
        if (flow_entry_is(&set[i], key, family))
            return &set[i];
    }
    return NULL;
}

/* An entry of SET for KEY, which has none; its run is to be filled. */
struct flow_entry *flow_cache_give(struct flow_cache *cache, struct flow_entry *set,
                                   const struct flow_key *key);

#endif
