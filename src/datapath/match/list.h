/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list rule: a list holds if any positive item holds (or there is none) and no item with `!`
 * does. Here and nowhere else; what an item is and when it holds is the business of each list.
 */
#ifndef IPMODD_DATAPATH_MATCH_LIST_H
#define IPMODD_DATAPATH_MATCH_LIST_H

#include <stdbool.h>
#include <stdint.h>

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

/* The same for 64 cases at once, a bit each. */
struct list_tally64 {
    bool any_positive;
    uint64_t held, excluded;
};

static inline void list_tally64_add(struct list_tally64 *tally, bool negated, uint64_t holds)
{
    tally->any_positive |= !negated;
    tally->held |= negated ? 0 : holds;
    tally->excluded |= negated ? holds : 0;
}

static inline uint64_t list_tally64_holds(const struct list_tally64 *tally)
{
    return ~tally->excluded & (tally->any_positive ? tally->held : UINT64_MAX);
}

#endif
