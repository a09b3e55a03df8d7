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

struct box_facts {
    bool empty;
    bool asks;      /* not all of the rule's matches are bounds */
    uint16_t exact; /* dimensions whose bounds take the place of a match, a bit each */
};

struct box_list {
    size_t count, capacity;
    struct box_side (*sides)[DIMENSION_COUNT]; /* of each rule */
    struct box_facts *facts;
    struct span *spans;
    size_t span_count, span_capacity;
};

/* Room for CAPACITY boxes. 0 or -ENOMEM; to be cleared in either case. */
int box_list_init(struct box_list *boxes, size_t capacity);
void box_list_clear(struct box_list *boxes);

/*
 * The next rule's; there must be room. ASKS and EXACT as in struct box_facts; spans that were too
 * many take no match's place. 0 or -ENOMEM.
 */
int box_list_add(struct box_list *boxes, const struct box *box, bool asks, uint16_t exact);

#endif
