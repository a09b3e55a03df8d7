/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule tree: which rules may hold for a point, out of very many boxes.
 *
 * A node looks at one dimension. The spans of its rules in that dimension cut the values into
 * intervals; each interval knows the spans that cover it, each distinct span has a child with the
 * rules that have it, and rules without a bound there are in one more child. So a search goes into
 * a few children at each level, every rule with k spans is in k children, and nothing else is ever
 * copied: memory is linear in the number of rules. Which dimension a node looks at is decided by a
 * sample of its rules: the one of which the fewest of them are left at a point that is one of
 * theirs. Where no dimension tells rules apart, or few rules are left, there is a leaf: rules in
 * order, each with the bounds that no node above has looked at.
 *
 * The spans that cover an interval are found as in a segment tree (Bentley, 1977): each span stands
 * at the O(log n) nodes of a binary tree over the intervals that it covers exactly. Here the nodes
 * with no span are left out: an interval knows the lowest one with any, and that one the next.
 *
 * A search comes upon rules in any order. Its caller says how low their numbers must be to matter
 * any more, which leaves out whole children.
 *
 * Immutable once built; any number of threads search it.
 */
#ifndef IPMODD_DATAPATH_RULE_TREE_H
#define IPMODD_DATAPATH_RULE_TREE_H

#include "box_list.h"

#include "ipmodd/base/cancel.h"

struct rule_tree;

/* The point where a packet is. */
struct point {
    uint64_t values[DIMENSION_COUNT];
};

/*
 * A tree over BOXES, those of rules 0, 1, 2 …, which it does not need any more then. 0, -ENOMEM or
 * -ECANCELED.
 */
int rule_tree_build(const struct box_list *boxes, const atomic_bool *cancel,
                    struct rule_tree **ret_tree);
void rule_tree_free(struct rule_tree *tree);

/*
 * Rules from number FROM on, below LIMIT, that may hold at POINT: FOUND is called with each of
 * them, in no order, and may lower LIMIT. Without ASKS the rule holds there, as far as bounds take
 * the place of its matches (box_list.h). Where the point is not known in some dimensions (UNKNOWN,
 * a bit each), any value there will do, and a rule may be found several times.
 */
struct rule_search {
    const struct point *point;
    unsigned unknown;
    uint32_t from, limit;
    void (*found)(struct rule_search *search, uint32_t rule, bool asks);
};

void rule_tree_search(const struct rule_tree *tree, struct rule_search *search);

struct group;

/* A search that is going to be made, at a point that is known in all dimensions. */
struct rule_foresight {
    struct point point;
    const struct group *group; /* found by rule_tree_fetch(): what the root has there; or NULL */
};

enum { FORESIGHT_MAX = 16 };

/*
 * Begins the searches of COUNT foresights, at most FORESIGHT_MAX, and fetches from memory what they
 * will ask for: waiting for all of them at a time takes little longer than for one.
 */
void rule_tree_fetch(const struct rule_tree *tree, struct rule_foresight *foresights, size_t count);

/* As rule_tree_search(), from where FORESIGHT got to. */
void rule_tree_search_on(const struct rule_tree *tree, const struct rule_foresight *foresight,
                         struct rule_search *search);

#endif
