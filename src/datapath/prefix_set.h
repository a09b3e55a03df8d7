/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The prefixes of one family in a set; see ipmodd/datapath/set.h for how they are kept. */
#ifndef IPMODD_DATAPATH_PREFIX_SET_H
#define IPMODD_DATAPATH_PREFIX_SET_H

#include "ipmodd/datapath/address_range.h"

enum {
    PREFIX_SET_FANOUT = 32,
    PREFIX_SET_LEVELS = 15, /* above the leaves, for any number of prefixes */
};

/* All zero: empty. */
struct prefix_set {
    /* First addresses in two halves; once finished ascending, none in another's prefix. */
    uint64_t *high, *low;
    uint8_t *lengths; /* of the prefixes, 0 to 128 bits from the top of the number */
    size_t count, capacity;
    uint64_t *levels[PREFIX_SET_LEVELS]; /* each 32nd of the upper halves, of the level below */
    size_t level_counts[PREFIX_SET_LEVELS];
    size_t level_count;
};

/* 0 or -ENOMEM, both. */
int prefix_set_add(struct prefix_set *set, const struct address_range *range);
int prefix_set_finish(struct prefix_set *set);

/* Of a finished set. */
bool prefix_set_has(const struct prefix_set *set, enum ip_family family, const uint8_t *bytes);

size_t prefix_set_memory(const struct prefix_set *set);
void prefix_set_clear(struct prefix_set *set);

#endif
