/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The prefixes of one family in a set; see ipmodd/datapath/set.h for how they are kept. */
#ifndef IPMODD_DATAPATH_PREFIX_SET_H
#define IPMODD_DATAPATH_PREFIX_SET_H

#include "ipmodd/datapath/address_range.h"

enum {
    PREFIX_SET_LEVELS = 22, /* for any number of prefixes */
};

/* Bits of an address that the longest prefix of a set needs. */
enum prefix_width { PREFIX_32, PREFIX_64, PREFIX_128 };

/* All zero: empty. */
struct prefix_set {
    address_number highest; /* last address of the last prefix */
    enum prefix_width width;
    uint8_t *leaves;             /* prefix_leaf.h; once finished ascending, no prefix in another */
    size_t count, leaf_capacity; /* prefixes, leaves */
    uint8_t *labels;             /* last numbers of leaves and nodes, level by level from below */
    size_t label_count;
    size_t level_at[PREFIX_SET_LEVELS]; /* number of each level's first label */
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
