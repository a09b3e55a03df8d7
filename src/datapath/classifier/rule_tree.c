/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Searching a rule tree. */
#include "rule_tree_layout.h"

#include <assert.h>
#include <stdlib.h>

static_assert(DIMENSION_COUNT <= 16, "four bits name a dimension");
static_assert(sizeof(struct leaf_entry) == 64, "one line of the processor's cache");

enum {
    FETCH_TARGETS = 8,               /* children of a group; there are rarely more */
    FETCH_NODES = 4 * FORESIGHT_MAX, /* those among them that are nodes, of all searches */
};

void rule_tree_free(struct rule_tree *tree)
{
    if (tree == NULL)
        return;
    free(tree->nodes);
    free(tree->keys);
    free(tree->intervals);
    free(tree->groups);
    free(tree->targets);
    free(tree->entries);
    free(tree->bounds);
    free(tree);
}

static bool is_outside(const struct leaf_bound *bound, unsigned dimension,
                       const struct rule_search *search)
{
    uint64_t value = search->point->values[dimension];

    return (value < bound->first || value > bound->last) &&
           (search->unknown & 1u << dimension) == 0;
}

static bool lies_within(const struct rule_tree *tree, const struct leaf_entry *entry,
                        const struct rule_search *search)
{
    const struct more_bound *more = &tree->bounds[entry->more_at];

    for (unsigned i = 0; i < ENTRY_BOUNDS; i++) {
        if (is_outside(&entry->bounds[i], entry->dimensions >> 4 * i & 0xf, search))
            return false;
    }
    for (unsigned i = 0; i < entry->more_count; i++) {
        if (is_outside(&more[i].bound, more[i].dimension, search))
            return false;
    }
    return true;
}

/* The first of the entries from ENTRY on whose rule is not below FROM, or the end of the leaf. */
static const struct leaf_entry *skip_below(const struct leaf_entry *entry, uint32_t from)
{
    size_t count = (size_t)entry->left + 1;

    while (count > 0) {
        size_t half = count / 2;

        if (entry[half].rule < from) {
            entry += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return entry;
}

static void search_leaf(const struct rule_tree *tree, const struct leaf_entry *entry,
                        struct rule_search *search)
{
    const struct leaf_entry *end = entry + entry->left + 1;

    if (entry->rule < search->from)
        entry = skip_below(entry, search->from);
    for (; entry < end && entry->rule < search->limit; entry++) {
        if (lies_within(tree, entry, search))
            search->found(search, entry->rule, entry->asks || search->unknown != 0);
    }
}

/* How many of COUNT ascending KEYS are at most VALUE. */
static size_t rank(const uint64_t *keys, size_t count, uint64_t value)
{
    const uint64_t *base = keys;

    if (count == 0)
        return 0;
    while (count > 1) {
        size_t half = count / 2;

        base = base[half] <= value ? base + half : base;
        count -= half;
    }
    return (size_t)(base - keys) + (*base <= value);
}

static void search_target(const struct rule_tree *tree, struct target target,
                          struct rule_search *search);

static void search_targets(const struct rule_tree *tree, const struct target *targets,
                           uint32_t count, struct rule_search *search)
{
    for (uint32_t i = 0; i < count; i++)
        search_target(tree, targets[i], search);
}

/* What covers the interval of NODE in which POINT lies. */
static const struct group *find_group(const struct rule_tree *tree, const struct tree_node *node,
                                      const struct point *point)
{
    const uint64_t *keys = &tree->keys[node->key_at];
    size_t interval = rank(keys, node->key_count, point->values[node->dimension]);

    return &tree->intervals[node->interval_at + interval];
}

static void search_groups(const struct rule_tree *tree, const struct group *group,
                          struct rule_search *search)
{
    search_targets(tree, &tree->targets[group->target_at], group->target_count, search);
    while (group->next != NO_GROUP) {
        group = &tree->groups[group->next];
        search_targets(tree, &tree->targets[group->target_at], group->target_count, search);
    }
}

static void search_node(const struct rule_tree *tree, const struct tree_node *node,
                        struct rule_search *search)
{
    if ((search->unknown & 1u << node->dimension) != 0)
        search_targets(tree, &tree->targets[node->child_at], node->child_count, search);
    else
        search_groups(tree, find_group(tree, node, search->point), search);
    search_target(tree, node->unbounded, search);
}

/* As deep as there are dimensions. */
static void search_target(const struct rule_tree *tree, struct target target,
                          struct rule_search *search)
{
    if (target.lowest >= search->limit)
        return;
    if ((target.at & TARGET_LEAF) != 0)
        search_leaf(tree, &tree->entries[target.at & ~TARGET_LEAF], search);
    else
        search_node(tree, &tree->nodes[target.at], search);
}

void rule_tree_search(const struct rule_tree *tree, struct rule_search *search)
{
    search_target(tree, tree->root, search);
}

void rule_tree_search_on(const struct rule_tree *tree, const struct rule_foresight *foresight,
                         struct rule_search *search)
{
    if (foresight->group == NULL) {
        rule_tree_search(tree, search);
        return;
    }
    search_groups(tree, foresight->group, search);
    search_target(tree, tree->nodes[tree->root.at].unbounded, search);
}

static bool is_leaf_or_none(struct target target)
{
    return target.lowest == NO_RULE || (target.at & TARGET_LEAF) != 0;
}

/*
 * As rank() for each of COUNT values: a step of one waits for its step before and for memory, but
 * not for the others. *RET_RANKS are below KEY_COUNT + 1.
 */
static void rank_many(const uint64_t *keys, size_t key_count, const uint64_t *values, size_t count,
                      size_t *ret_ranks)
{
    size_t half;

    for (size_t i = 0; i < count; i++)
        ret_ranks[i] = 0;
    if (key_count == 0)
        return;
    for (size_t left = key_count; left > 1; left -= half) {
        half = left / 2;
        for (size_t i = 0; i < count; i++)
            ret_ranks[i] += keys[ret_ranks[i] + half] <= values[i] ? half : 0;
    }
    for (size_t i = 0; i < count; i++)
        ret_ranks[i] += keys[ret_ranks[i]] <= values[i];
}

/* What covers the intervals of ROOT. */
static void find_groups(const struct rule_tree *tree, const struct tree_node *root,
                        struct rule_foresight *foresights, size_t count)
{
    uint64_t values[FORESIGHT_MAX];
    size_t ranks[FORESIGHT_MAX];

    for (size_t i = 0; i < count; i++)
        values[i] = foresights[i].point.values[root->dimension];
    rank_many(&tree->keys[root->key_at], root->key_count, values, count, ranks);
    for (size_t i = 0; i < count; i++) {
        foresights[i].group = &tree->intervals[root->interval_at + ranks[i]];
        __builtin_prefetch(foresights[i].group);
    }
}

/* Children that searches will come to. */
struct fetched {
    const struct tree_node *nodes[FETCH_NODES];
    size_t count;
};

/* What stands at TARGET. */
static void fetch_target(const struct rule_tree *tree, struct target target,
                         struct fetched *fetched)
{
    const struct tree_node *node = &tree->nodes[target.at];

    if ((target.at & TARGET_LEAF) != 0) {
        __builtin_prefetch(&tree->entries[target.at & ~TARGET_LEAF]);
        return;
    }
    __builtin_prefetch(node);
    if (fetched->count < FETCH_NODES)
        fetched->nodes[fetched->count++] = node;
}

static void fetch_targets(const struct rule_tree *tree, const struct group *group,
                          struct fetched *fetched)
{
    for (uint32_t i = 0; i < group->target_count && i < FETCH_TARGETS; i++)
        fetch_target(tree, tree->targets[group->target_at + i], fetched);
}

/* Where the targets of GROUP stand, and the group behind it, which is returned; or NULL. */
static const struct group *fetch_group(const struct rule_tree *tree, const struct group *group)
{
    const struct group *next = group->next != NO_GROUP ? &tree->groups[group->next] : NULL;

    __builtin_prefetch(&tree->targets[group->target_at]);
    __builtin_prefetch(next);
    return next;
}

/* A group of each of COUNT searches, and then the next one of each that has more. */
static void fetch_groups(const struct rule_tree *tree, const struct rule_foresight *foresights,
                         size_t count, struct fetched *fetched)
{
    const struct group *groups[FORESIGHT_MAX], *next[FORESIGHT_MAX];

    for (size_t i = 0; i < count; i++)
        groups[i] = foresights[i].group;
    while (count > 0) {
        size_t more = 0;

        for (size_t i = 0; i < count; i++)
            next[i] = fetch_group(tree, groups[i]);
        for (size_t i = 0; i < count; i++) {
            fetch_targets(tree, groups[i], fetched);
            if (next[i] != NULL)
                groups[more++] = next[i];
        }
        count = more;
    }
}

/* The keys of children that are nodes, as many as most have. */
static void fetch_keys(const struct rule_tree *tree, const struct fetched *fetched)
{
    for (size_t i = 0; i < fetched->count; i++) {
        const struct tree_node *node = fetched->nodes[i];

        __builtin_prefetch(&tree->keys[node->key_at]);
        __builtin_prefetch(&tree->keys[node->key_at + node->key_count / 2]);
    }
}

/* Step by step for all of them, so that no step waits for the one before. */
void rule_tree_fetch(const struct rule_tree *tree, struct rule_foresight *foresights, size_t count)
{
    struct fetched fetched;

    fetched.count = 0;
    if (is_leaf_or_none(tree->root))
        return;
    find_groups(tree, &tree->nodes[tree->root.at], foresights, count);
    fetch_groups(tree, foresights, count, &fetched);
    fetch_keys(tree, &fetched);
}
