/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set-associative table without chains. */
#include "flow_cache.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum { LINE = 64 };

static_assert(sizeof(struct flow_entry) == 2 * LINE, "an entry is two cache lines");

/* The seed changes where an entry stands, never what is found, so it need not be reproducible. */
int flow_cache_init(struct flow_cache *cache)
{
    char *memory = calloc(1, FLOW_CACHE_SETS * sizeof(*cache->sets) + LINE);

    *cache = (struct flow_cache){.memory = memory};
    if (memory == NULL)
        return -ENOMEM;
    cache->sets = (void *)(memory + (LINE - (uintptr_t)memory % LINE) % LINE);
    if (getrandom(&cache->seed, sizeof(cache->seed), GRND_NONBLOCK) < 0)
        cache->seed = (uintptr_t)memory;
    return 0;
}

void flow_cache_clear(struct flow_cache *cache)
{
    free(cache->memory);
    *cache = (struct flow_cache){.memory = NULL};
}

static bool is_same(const struct flow_key *a, const struct flow_key *b, size_t words)
{
    uint64_t difference = (a->from ^ b->from) | (a->generation ^ b->generation);

    for (size_t i = 0; i < words; i++)
        difference |= a->words[i] ^ b->words[i];
    return difference == 0;
}

/* One that is empty or of an older ruleset, else each in turn. */
static struct flow_entry *choose_victim(struct flow_cache *cache, struct flow_entry *set,
                                        uint32_t generation)
{
    for (size_t i = 0; i < FLOW_CACHE_WAYS; i++) {
        if (set[i].key.generation != generation)
            return &set[i];
    }
    return &set[cache->turn++ % FLOW_CACHE_WAYS];
}

static struct flow_entry *find_set(const struct flow_cache *cache, const struct flow_key *key,
                                   size_t words)
{
    uint64_t hash =
        XXH3_64bits_withSeed(key->words, words * sizeof(key->words[0]), cache->seed + key->from);

    return cache->sets[hash % FLOW_CACHE_SETS];
}

void flow_cache_fetch(const struct flow_cache *cache, const struct flow_key *key,
                      enum ip_family family)
{
    const struct flow_entry *set = find_set(cache, key, flow_key_words(family));

    for (size_t i = 0; i < FLOW_CACHE_WAYS; i++) {
        __builtin_prefetch(&set[i].key);
        __builtin_prefetch(&set[i].run.rules, 1);
    }
}

/* WORDS is a constant at each of the two calls, and so are the lengths of all loops. */
__attribute__((always_inline)) static inline struct flow_entry *
get(struct flow_cache *cache, const struct flow_key *key, size_t words, bool *ret_found)
{
    struct flow_entry *set = find_set(cache, key, words);
    struct flow_entry *entry;

    *ret_found = true;
    for (size_t i = 0; i < FLOW_CACHE_WAYS; i++) {
        if (is_same(&set[i].key, key, words))
            return &set[i];
    }
    *ret_found = false;
    entry = choose_victim(cache, set, key->generation);
    entry->key = *key;
    return entry;
}

struct flow_entry *flow_cache_get(struct flow_cache *cache, const struct flow_key *key,
                                  enum ip_family family, bool *ret_found)
{
    if (family == FAMILY_IPV4)
        return get(cache, key, flow_key_words(FAMILY_IPV4), ret_found);
    return get(cache, key, flow_key_words(FAMILY_IPV6), ret_found);
}
