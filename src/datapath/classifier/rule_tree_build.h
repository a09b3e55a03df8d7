/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that build a rule tree share: a node in work, and arrays that grow. */
#ifndef IPMODD_DATAPATH_RULE_TREE_BUILD_H
#define IPMODD_DATAPATH_RULE_TREE_BUILD_H

#include "rule_tree_layout.h"

/* A rule on its way down the tree. */
struct item {
    uint32_t rule;
    uint16_t settled; /* dimensions whose bounds hold for all that comes here, a bit each */
    uint16_t copies;  /* that may still be made */
};

/* One span of an item. */
struct placed {
    struct span span;
    struct item item;
};

/* Work of one node: its items, by their spans and without any. */
struct division {
    enum dimension dimension;
    struct placed *placed; /* in the order of their spans, then of their rules */
    size_t placed_count;
    struct item *unbounded;
    size_t unbounded_count;
    struct item *same;  /* room for the items of one span */
    struct span *spans; /* different ones, and their children */
    struct target *targets;
    size_t span_count;
};

struct builder {
    const struct box_list *boxes;
    const atomic_bool *cancel;
    struct rule_tree *tree;
    size_t node_capacity, key_capacity, interval_capacity, group_capacity, target_capacity,
        entry_capacity, bound_capacity;
};

/* ARRAY with room for NEEDED items of SIZE bytes; NULL without memory, ARRAY as it was. */
void *rule_tree_reserve(void *array, size_t *capacity, size_t needed, size_t size);

/* Puts room for COUNT more items behind those of the tree's array NAME. Whether there was memory.
 */
#define RESERVE(builder, names, name, count)                                                    \
    __extension__({                                                                             \
        struct rule_tree *tree_ = (builder)->tree;                                              \
        void *grown_ = rule_tree_reserve(tree_->names, &(builder)->name##_capacity,             \
                                         tree_->name##_count + (count), sizeof(*tree_->names)); \
        tree_->names = grown_ != NULL ? grown_ : tree_->names;                                  \
        grown_ != NULL;                                                                         \
    })

/*
 * Adds the intervals into which the spans of DIVISION cut the values, and which spans cover each,
 * and names them in NODE. 0 or -ENOMEM.
 */
int rule_tree_add_intervals(struct builder *builder, const struct division *division,
                            struct tree_node *node);

#endif
