/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building a rule tree, children before their node. */
#include "rule_tree_build.h"

#include "ipmodd/base/macro.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
    /* Rules of a node by which its dimension is chosen. */
    SAMPLE = 16,
    /* A node takes about as long to search as this many leaf entries. */
    NODE_COST = 8,
    /* How often a rule may stand in the tree; with more spans than that it is taken as unbounded.
     */
    COPIES_MAX = 16,
};

static_assert(DIMENSION_COUNT <= 16, "a bit for each dimension");

void *rule_tree_reserve(void *array, size_t *capacity, size_t needed, size_t size)
{
    size_t wanted = MAX_OF(needed, 2 * *capacity + 64);
    void *grown;

    if (array != NULL && needed <= *capacity)
        return array;
    grown = reallocarray(array, wanted, size);
    if (grown != NULL)
        *capacity = wanted;
    return grown;
}

static int build(struct builder *builder, const struct item *items, size_t count, unsigned used,
                 struct target *ret_target);

static const struct box_side *side_of(const struct builder *builder, const struct item *item,
                                      enum dimension dimension)
{
    return &builder->boxes->sides[item->rule][dimension];
}

static const struct span *spans_of(const struct builder *builder, const struct box_side *side)
{
    return &builder->boxes->spans[side->at];
}

/* Bound number NUMBER of ENTRY, in it or with those that have no room there. */
static void add_bound(struct rule_tree *tree, struct leaf_entry *entry, unsigned number,
                      enum dimension dimension, const struct leaf_bound *bound)
{
    if (number < ENTRY_BOUNDS) {
        entry->bounds[number] = *bound;
        entry->dimensions |= (uint16_t)(dimension << 4 * number);
        return;
    }
    tree->bounds[tree->bound_count++] = (struct more_bound){*bound, dimension};
    entry->more_count++;
}

/* Those that no node above has looked at. Of several spans the ends, which are not the whole truth.
 */
static void add_bounds(struct builder *builder, const struct item *item, struct leaf_entry *entry)
{
    const struct box_facts *facts = &builder->boxes->facts[item->rule];
    unsigned number = 0;

    entry->more_at = (uint32_t)builder->tree->bound_count;
    entry->asks = facts->asks;
    for (unsigned d = 0; d < DIMENSION_COUNT; d++) {
        const struct box_side *side = side_of(builder, item, d);
        const struct span *spans = spans_of(builder, side);

        if (side->count == 0 || (item->settled & 1u << d) != 0)
            continue;
        add_bound(builder->tree, entry, number++, d,
                  &(struct leaf_bound){spans[0].first, spans[side->count - 1].last});
        entry->asks |= side->count > 1 && (facts->exact & 1u << d) != 0;
    }
    for (; number < ENTRY_BOUNDS; number++)
        entry->bounds[number] = (struct leaf_bound){0, UINT64_MAX};
}

static int build_leaf(struct builder *builder, const struct item *items, size_t count,
                      struct target *ret_target)
{
    struct rule_tree *tree = builder->tree;

    if (!RESERVE(builder, entries, entry, count) ||
        !RESERVE(builder, bounds, bound, count * DIMENSION_COUNT))
        return -ENOMEM;
    *ret_target = (struct target){(uint32_t)tree->entry_count | TARGET_LEAF, items[0].rule};
    for (size_t i = 0; i < count; i++) {
        struct leaf_entry *entry = &tree->entries[tree->entry_count++];

        *entry = (struct leaf_entry){.rule = items[i].rule, .left = (uint32_t)(count - 1 - i)};
        add_bounds(builder, &items[i], entry);
    }
    return 0;
}

/* Whether an item with the spans of SIDE is still there at a point of the item with those of AT. */
static bool is_left_at(const struct builder *builder, const struct box_side *side,
                       const struct box_side *at)
{
    const struct span *spans = spans_of(builder, side);
    uint64_t value;

    if (side->count == 0 || at->count == 0)
        return side->count == 0;
    value = spans_of(builder, at)[0].first;
    for (uint32_t i = 0; i < side->count; i++) {
        if (value >= spans[i].first && value <= spans[i].last)
            return true;
    }
    return false;
}

/*
 * Of the pairs of different items in a sample, those of which one is left at a point of the other.
 * LIMIT or more of them are not counted to the end.
 */
static size_t count_left(const struct builder *builder, const struct item *items, size_t count,
                         size_t sample, enum dimension dimension, size_t limit)
{
    const struct box_side *sides[SAMPLE];
    size_t left = 0;

    for (size_t i = 0; i < sample; i++)
        sides[i] = side_of(builder, &items[i * count / sample], dimension);
    for (size_t i = 0; i < sample && left < limit; i++) {
        for (size_t j = 0; j < sample; j++)
            left += j != i && is_left_at(builder, sides[j], sides[i]);
    }
    return left;
}

/* The dimension to look at, DIMENSION_COUNT when it is not worth while. */
static enum dimension choose(const struct builder *builder, const struct item *items, size_t count,
                             unsigned used)
{
    size_t sample = MIN_OF(count, (size_t)SAMPLE), pairs = sample * (sample - 1);
    enum dimension best = DIMENSION_COUNT;
    size_t fewest = pairs;

    if (count <= NODE_COST)
        return DIMENSION_COUNT;
    for (unsigned d = 0; d < DIMENSION_COUNT; d++) {
        size_t left = fewest;

        if ((used & 1u << d) == 0)
            left = count_left(builder, items, count, sample, d, fewest);
        if (left < fewest) {
            fewest = left;
            best = d;
        }
    }
    return (count - 1) * (pairs - fewest) >= NODE_COST * pairs ? best : DIMENSION_COUNT;
}

static int compare_placed(const void *a, const void *b)
{
    const struct placed *left = a, *right = b;

    if (left->span.first != right->span.first)
        return left->span.first < right->span.first ? -1 : 1;
    if (left->span.last != right->span.last)
        return left->span.last < right->span.last ? -1 : 1;
    return (left->item.rule > right->item.rule) - (left->item.rule < right->item.rule);
}

static void division_clear(struct division *division)
{
    free(division->placed);
    free(division->unbounded);
    free(division->same);
    free(division->spans);
    free(division->targets);
}

static bool is_split(const struct item *item, const struct box_side *side)
{
    return side->count > 0 && side->count <= item->copies;
}

static int allocate(const struct builder *builder, const struct item *items, size_t count,
                    struct division *division)
{
    size_t places = 0;

    for (size_t i = 0; i < count; i++) {
        const struct box_side *side = side_of(builder, &items[i], division->dimension);

        places += is_split(&items[i], side) ? side->count : 0;
    }
    division->placed = calloc(places + 1, sizeof(*division->placed));
    division->spans = calloc(places + 1, sizeof(*division->spans));
    division->targets = calloc(places + 1, sizeof(*division->targets));
    division->unbounded = calloc(count, sizeof(*division->unbounded));
    division->same = calloc(count, sizeof(*division->same));
    return division->placed != NULL && division->spans != NULL && division->targets != NULL &&
                   division->unbounded != NULL && division->same != NULL
               ? 0
               : -ENOMEM;
}

static void divide(const struct builder *builder, const struct item *items, size_t count,
                   struct division *division)
{
    for (size_t i = 0; i < count; i++) {
        const struct box_side *side = side_of(builder, &items[i], division->dimension);
        struct item item = items[i];

        if (!is_split(&item, side)) {
            division->unbounded[division->unbounded_count++] = item;
            continue;
        }
        item.copies = (uint16_t)(item.copies / side->count);
        item.settled |= (uint16_t)(1u << division->dimension);
        for (uint32_t s = 0; s < side->count; s++)
            division->placed[division->placed_count++] =
                (struct placed){.span = spans_of(builder, side)[s], .item = item};
    }
    qsort(division->placed, division->placed_count, sizeof(*division->placed), compare_placed);
}

/* A child for each different span, and for the items without one. */
static int build_children(struct builder *builder, struct division *division, unsigned used,
                          struct tree_node *node)
{
    const struct placed *placed = division->placed;
    size_t same = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < division->placed_count; i++) {
        bool is_last = i + 1 == division->placed_count ||
                       placed[i + 1].span.first != placed[i].span.first ||
                       placed[i + 1].span.last != placed[i].span.last;

        division->same[same++] = placed[i].item;
        if (!is_last)
            continue;
        division->spans[division->span_count] = placed[i].span;
        r = build(builder, division->same, same, used, &division->targets[division->span_count]);
        division->span_count++;
        same = 0;
    }
    if (r < 0)
        return r;
    return build(builder, division->unbounded, division->unbounded_count, used, &node->unbounded);
}

static int add_node(struct builder *builder, const struct division *division, uint32_t lowest,
                    struct tree_node *node, struct target *ret_target)
{
    struct rule_tree *tree = builder->tree;
    int r = rule_tree_add_intervals(builder, division, node);

    if (r < 0)
        return r;
    if (!RESERVE(builder, nodes, node, 1))
        return -ENOMEM;
    *ret_target = (struct target){(uint32_t)tree->node_count, lowest};
    tree->nodes[tree->node_count++] = *node;
    return 0;
}

static int build_node(struct builder *builder, const struct item *items, size_t count,
                      unsigned used, enum dimension dimension, struct target *ret_target)
{
    struct division division = {.dimension = dimension};
    struct tree_node node = {.dimension = dimension};
    int r = allocate(builder, items, count, &division);

    if (r == 0) {
        divide(builder, items, count, &division);
        r = build_children(builder, &division, used | 1u << dimension, &node);
    }
    if (r == 0)
        r = add_node(builder, &division, items[0].rule, &node, ret_target);
    division_clear(&division);
    return r;
}

/* ITEMS in the order of their rules. As deep as there are dimensions. */
static int build(struct builder *builder, const struct item *items, size_t count, unsigned used,
                 struct target *ret_target)
{
    enum dimension dimension;

    if (is_cancelled(builder->cancel))
        return -ECANCELED;
    if (count == 0) {
        *ret_target = (struct target){.lowest = NO_RULE};
        return 0;
    }
    dimension = choose(builder, items, count, used);
    if (dimension == DIMENSION_COUNT)
        return build_leaf(builder, items, count, ret_target);
    return build_node(builder, items, count, used, dimension, ret_target);
}

static int build_root(struct builder *builder)
{
    size_t count = 0;
    struct item *items = calloc(builder->boxes->count + 1, sizeof(*items));
    int r = -ENOMEM;

    if (items != NULL) {
        for (size_t i = 0; i < builder->boxes->count; i++) {
            if (!builder->boxes->facts[i].empty)
                items[count++] = (struct item){.rule = (uint32_t)i, .copies = COPIES_MAX};
        }
        r = build(builder, items, count, 0, &builder->tree->root);
    }
    free(items);
    return r;
}

int rule_tree_build(const struct box_list *boxes, const atomic_bool *cancel,
                    struct rule_tree **ret_tree)
{
    struct builder builder = {
        .boxes = boxes, .cancel = cancel, .tree = calloc(1, sizeof(*builder.tree))};
    int r;

    if (builder.tree == NULL)
        return -ENOMEM;
    r = build_root(&builder);
    if (r < 0)
        rule_tree_free(builder.tree);
    else
        *ret_tree = builder.tree;
    return r;
}
