/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a rule tree lies in memory: arrays that refer to one another by index, written by
 * rule_tree_build.c, read by rule_tree.c.
 */
#ifndef IPMODD_DATAPATH_RULE_TREE_LAYOUT_H
#define IPMODD_DATAPATH_RULE_TREE_LAYOUT_H

#include "rule_tree.h"

/* A child: a node, or with TARGET_LEAF the first of a run of leaf entries. */
struct target {
    uint32_t at;
    uint32_t lowest; /* number of a rule below it */
};

#define TARGET_LEAF UINT32_C(0x80000000)
/* `lowest` of a child that is not there. */
#define NO_RULE UINT32_MAX

struct tree_node {
    enum dimension dimension;
    uint32_t key_at, key_count;     /* first values of all intervals but the lowest */
    uint32_t interval_at;           /* key_count + 1 of them */
    uint32_t child_at, child_count; /* targets: one for each span */
    struct target unbounded;
};

/* Some of the spans that cover an interval, and where more of them stand. */
struct group {
    uint32_t target_at, target_count;
    uint32_t next; /* NO_GROUP: there are no more */
};

#define NO_GROUP UINT32_MAX

/* The values of a dimension that a rule in a leaf has, from the first to the last of them. */
struct leaf_bound {
    uint64_t first, last;
};

/* As many bounds as most rules have left, so that an entry is as large as a line of the processor's
 * cache. */
enum { ENTRY_BOUNDS = 3 };

struct leaf_entry {
    uint32_t rule;
    uint32_t left;    /* entries behind this one in its leaf */
    uint32_t more_at; /* bounds that have no room in here */
    uint8_t more_count;
    bool asks;           /* the bounds do not take the place of all matches */
    uint16_t dimensions; /* of the bounds in here, four bits each, the first one lowest */
    struct leaf_bound bounds[ENTRY_BOUNDS]; /* those that are not needed hold for all values */
};

struct more_bound {
    struct leaf_bound bound;
    enum dimension dimension;
};

struct rule_tree {
    struct target root;
    struct tree_node *nodes;
    uint64_t *keys;
    struct group *intervals; /* the first group of each, */
    struct group *groups;    /* and the next ones */
    struct target *targets;
    struct leaf_entry *entries;
    struct more_bound *bounds;
    size_t node_count, key_count, interval_count, group_count, target_count, entry_count,
        bound_count;
};

#endif
