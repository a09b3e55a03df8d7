/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intervals of values, and the spans that cover them, by a segment tree. */
#include "rule_tree_build.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* As many targets an interval may have of its own; with more it refers to those of the places. */
enum { INTERVAL_TARGETS = 16 };

static int compare_keys(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* Where the intervals between the ends of all spans begin, the lowest left out. */
static int add_keys(struct builder *builder, const struct division *division,
                    struct tree_node *node)
{
    struct rule_tree *tree = builder->tree;
    uint64_t *keys;
    size_t count = 0, kept = 0;

    if (!RESERVE(builder, keys, key, 2 * division->span_count))
        return -ENOMEM;
    keys = &tree->keys[tree->key_count];
    for (size_t i = 0; i < division->span_count; i++) {
        keys[count++] = division->spans[i].first;
        if (division->spans[i].last < UINT64_MAX)
            keys[count++] = division->spans[i].last + 1;
    }
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || keys[kept - 1] != keys[i])
            keys[kept++] = keys[i];
    }
    node->key_at = (uint32_t)tree->key_count;
    node->key_count = (uint32_t)kept;
    tree->key_count += kept;
    return 0;
}

/* Number of the interval that begins at VALUE, which is a key. */
static size_t find_interval(const struct builder *builder, const struct tree_node *node,
                            uint64_t value)
{
    const uint64_t *keys = &builder->tree->keys[node->key_at];
    const uint64_t *found = bsearch(&value, keys, node->key_count, sizeof(*keys), compare_keys);

    return (size_t)(found - keys) + 1;
}

/* The places of a segment tree over intervals: 1 is the root, P / 2 above P, PLACES + I a leaf. */
struct segment_tree {
    size_t intervals;
    uint32_t *counts; /* spans at each place */
    uint32_t *groups; /* at each place or the nearest above it; NO_GROUP: none up to the root */
};

/* Calls VISIT with each place at which SPAN, a number, stands. */
static void
for_each_place(const struct builder *builder, const struct tree_node *node,
               const struct segment_tree *places, const struct division *division, size_t span,
               void (*visit)(const struct builder *builder, const struct segment_tree *places,
                             const struct division *division, size_t place, size_t span))
{
    uint64_t last = division->spans[span].last;
    size_t from = find_interval(builder, node, division->spans[span].first) + places->intervals;
    size_t to = (last == UINT64_MAX ? places->intervals : find_interval(builder, node, last + 1)) +
                places->intervals;

    for (; from < to; from /= 2, to /= 2) {
        if ((from & 1) != 0)
            visit(builder, places, division, from++, span);
        if ((to & 1) != 0)
            visit(builder, places, division, --to, span);
    }
}

static void count_at_place(const struct builder *builder, const struct segment_tree *places,
                           const struct division *division, size_t place, size_t span)
{
    (void)builder;
    (void)division;
    (void)span;
    places->counts[place]++;
}

static void put_at_place(const struct builder *builder, const struct segment_tree *places,
                         const struct division *division, size_t place, size_t span)
{
    struct group *group = &builder->tree->groups[places->groups[place]];

    builder->tree->targets[group->target_at + group->target_count++] = division->targets[span];
}

/* A group for each place with spans, with room for their targets. */
static int add_groups(struct builder *builder, const struct segment_tree *places)
{
    struct rule_tree *tree = builder->tree;
    size_t groups = 0, targets = 0;

    for (size_t p = 1; p < 2 * places->intervals; p++) {
        groups += places->counts[p] > 0;
        targets += places->counts[p];
    }
    if (!RESERVE(builder, groups, group, groups) || !RESERVE(builder, targets, target, targets))
        return -ENOMEM;
    places->groups[0] = NO_GROUP;
    for (size_t p = 1; p < 2 * places->intervals; p++) {
        places->groups[p] = places->groups[p / 2];
        if (places->counts[p] == 0)
            continue;
        tree->groups[tree->group_count] =
            (struct group){.target_at = (uint32_t)tree->target_count, .next = places->groups[p]};
        places->groups[p] = (uint32_t)tree->group_count++;
        tree->target_count += places->counts[p];
    }
    return 0;
}

static int compare_targets(const void *a, const void *b)
{
    const struct target *left = a, *right = b;

    return (left->lowest > right->lowest) - (left->lowest < right->lowest);
}

/* GROUP and all that come next, put together where they are few; there is room. */
static struct group gather(struct rule_tree *tree, struct group group)
{
    struct group whole = {.target_at = (uint32_t)tree->target_count, .next = NO_GROUP};
    struct group part = group;

    while (whole.target_count + part.target_count <= INTERVAL_TARGETS) {
        memcpy(&tree->targets[tree->target_count + whole.target_count],
               &tree->targets[part.target_at], part.target_count * sizeof(*tree->targets));
        whole.target_count += part.target_count;
        if (part.next == NO_GROUP) {
            qsort(&tree->targets[whole.target_at], whole.target_count, sizeof(*tree->targets),
                  compare_targets);
            tree->target_count += whole.target_count;
            return whole;
        }
        part = tree->groups[part.next];
    }
    return group;
}

static int add_intervals(struct builder *builder, const struct segment_tree *places,
                         struct tree_node *node)
{
    struct rule_tree *tree = builder->tree;

    if (!RESERVE(builder, intervals, interval, places->intervals) ||
        !RESERVE(builder, targets, target, places->intervals * INTERVAL_TARGETS))
        return -ENOMEM;
    node->interval_at = (uint32_t)tree->interval_count;
    for (size_t i = 0; i < places->intervals; i++) {
        uint32_t first = places->groups[places->intervals + i];

        tree->intervals[tree->interval_count++] = first == NO_GROUP
                                                      ? (struct group){.next = NO_GROUP}
                                                      : gather(tree, tree->groups[first]);
    }
    return 0;
}

/* One target for each span, for who does not know the value. */
static int add_children(struct builder *builder, const struct division *division,
                        struct tree_node *node)
{
    struct rule_tree *tree = builder->tree;

    if (!RESERVE(builder, targets, target, division->span_count))
        return -ENOMEM;
    node->child_at = (uint32_t)tree->target_count;
    node->child_count = (uint32_t)division->span_count;
    memcpy(&tree->targets[tree->target_count], division->targets,
           division->span_count * sizeof(*tree->targets));
    tree->target_count += division->span_count;
    return 0;
}

/* Which spans cover which interval. */
static int add_cover(struct builder *builder, const struct division *division,
                     struct tree_node *node)
{
    struct segment_tree places = {.intervals = node->key_count + (size_t)1};
    int r = -ENOMEM;

    places.counts = calloc(2 * places.intervals, sizeof(*places.counts));
    places.groups = calloc(2 * places.intervals, sizeof(*places.groups));
    if (places.counts != NULL && places.groups != NULL) {
        for (size_t i = 0; i < division->span_count; i++)
            for_each_place(builder, node, &places, division, i, count_at_place);
        r = add_groups(builder, &places);
    }
    if (r == 0) {
        for (size_t i = 0; i < division->span_count; i++)
            for_each_place(builder, node, &places, division, i, put_at_place);
        r = add_intervals(builder, &places, node);
    }
    free(places.counts);
    free(places.groups);
    return r;
}

int rule_tree_add_intervals(struct builder *builder, const struct division *division,
                            struct tree_node *node)
{
    int r = add_keys(builder, division, node);

    if (r == 0)
        r = add_children(builder, division, node);
    return r < 0 ? r : add_cover(builder, division, node);
}
