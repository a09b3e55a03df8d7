/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list rule: a list holds if any positive item holds (or there is none) and no item with `!`
 * does. Here and nowhere else; what an item is and when it holds is the business of each list.
 */
#ifndef IPMODD_DATAPATH_MATCH_LIST_H
#define IPMODD_DATAPATH_MATCH_LIST_H

#include <stdbool.h>

/* How a list stands after the items that were added; all zero before the first. */
struct list_tally {
    bool any_positive;
    bool held;     /* by a positive item */
    bool excluded; /* by an item with `!`: the rest does not matter any more */
};

static inline void list_tally_add(struct list_tally *tally, bool negated, bool holds)
{
    tally->any_positive |= !negated;
    tally->held |= !negated && holds;
    tally->excluded |= negated && holds;
}

static inline bool list_tally_holds(const struct list_tally *tally)
{
    return !tally->excluded && (tally->held || !tally->any_positive);
}

#endif
