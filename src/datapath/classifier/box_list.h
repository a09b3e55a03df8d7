/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many boxes in little memory: what a rule tree is built from. */
#ifndef IPMODD_DATAPATH_BOX_LIST_H
#define IPMODD_DATAPATH_BOX_LIST_H

#include "ipmodd/datapath/box.h"

#include <stdint.h>

/* Spans of one rule in one dimension; count 0: it is not bounded there. */
struct box_side {
    uint32_t at, count;
};

struct box_list {
    size_t count, capacity;
    struct box_side (*sides)[DIMENSION_COUNT]; /* of each rule */
    bool *empty;
    struct span *spans;
    size_t span_count, span_capacity;
};

/* Room for CAPACITY boxes. 0 or -ENOMEM; to be cleared in either case. */
int box_list_init(struct box_list *boxes, size_t capacity);
void box_list_clear(struct box_list *boxes);

/* The next rule's; there must be room. 0 or -ENOMEM. */
int box_list_add(struct box_list *boxes, const struct box *box);

static inline const struct box_side *box_list_side(const struct box_list *boxes, size_t rule,
                                                   enum dimension dimension)
{
    return &boxes->sides[rule][dimension];
}

#endif
