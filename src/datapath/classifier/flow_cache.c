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
static_assert((FLOW_CACHE_SETS & (FLOW_CACHE_SETS - 1)) == 0, "a power of two");

/* The seed changes where an entry stands, never what is found, so it need not be reproducible. */
int flow_cache_init(struct flow_cache *cache)
{
    char *memory = calloc(1, FLOW_CACHE_SETS * sizeof(*cache->sets) + LINE);

    *cache = (struct flow_cache){.memory = memory};
    if (memory == NULL)
        return -ENOMEM;
    cache->sets = (void *)(memory + (LINE - (uintptr_t)memory % LINE) % LINE);
    cache->set_mask = FLOW_CACHE_SETS - 1;
    if (getrandom(&cache->seed, sizeof(cache->seed), GRND_NONBLOCK) < 0)
        cache->seed = (uintptr_t)memory;
    return 0;
}

void flow_cache_clear(struct flow_cache *cache)
{
    free(cache->memory);
    *cache = (struct flow_cache){.memory = NULL};
}

/* WORDS is a constant at both calls, and so is what is hashed. */
__attribute__((always_inline)) static inline struct flow_entry *
place(const struct flow_cache *cache, const struct flow_key *key, size_t words)
{
    uint64_t hash =
        XXH3_64bits_withSeed(key->words, words * sizeof(key->words[0]), cache->seed + key->scope);
    struct flow_entry *set = cache->sets[hash & cache->set_mask];

    for (size_t i = 0; i < FLOW_CACHE_WAYS; i++) {
        __builtin_prefetch(&set[i].key);
        __builtin_prefetch(&set[i].run.rules, 1);
    }
    return set;
}

struct flow_entry *flow_cache_place(const struct flow_cache *cache, const struct flow_key *key,
                                    enum ip_family family)
{
    if (family == FAMILY_IPV4)
        return place(cache, key, flow_key_words(FAMILY_IPV4));
    return place(cache, key, flow_key_words(FAMILY_IPV6));
}

/* One that is empty or of an older ruleset, else each in turn. */
static struct flow_entry *choose_victim(const struct flow_cache *cache, struct flow_entry *set,
                                        uint64_t scope)
{
    for (size_t i = 0; i < FLOW_CACHE_WAYS; i++) {
        if (set[i].key.scope >> 32 != scope >> 32)
            return &set[i];
    }
    return &set[cache->given % FLOW_CACHE_WAYS];
}

struct flow_entry *flow_cache_give(struct flow_cache *cache, struct flow_entry *set,
                                   const struct flow_key *key)
{
    struct flow_entry *entry = choose_victim(cache, set, key->scope);

    cache->given++;
    entry->key = *key;
    return entry;
}
