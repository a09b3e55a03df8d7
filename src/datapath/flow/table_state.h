/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table itself, for the files that it is made of: table*.c. */
#ifndef IPMODD_DATAPATH_FLOW_TABLE_STATE_H
#define IPMODD_DATAPATH_FLOW_TABLE_STATE_H

#include "index.h"
#include "table.h"

#include <assert.h>

static_assert(sizeof(struct flow) <= 152, "an entry and its index fit 192 bytes");

enum { TABLE_NONE = UINT32_MAX }; /* no entry */

/* What an entry holds, and which list it is in. */
enum entry_state {
    ENTRY_FREE,       /* nothing; in the list of the free ones, or never used */
    ENTRY_ONE_SIDED,  /* a flow in the list of those in which both sides do not take part yet */
    ENTRY_BOTH_SIDED, /* a flow in no list */
};

struct flow_table {
    struct flow *flows;
    struct flow_index index;
    size_t capacity;
    size_t count, translated;
    size_t fresh; /* entries from here on have never been used */
    size_t hand;
    uint32_t free;           /* first of the entries that were used and are not now */
    uint32_t oldest, newest; /* of the flows of one side */
    uint64_t timeouts_ns[FLOW_CLASS_COUNT];
    struct flow_limits limits;
    struct mappings *mappings;            /* owned, or those of the shards */
    struct shards *shards;                /* borrowed; NULL: no other has flows */
    unsigned number;                      /* of this shard among them */
    const struct flow_observer *observer; /* borrowed; NULL: nobody */
    struct flow_table_counters counters;
};

/* Whether FLOW has had its time. */
static inline bool table_is_over(const struct flow_table *table, const struct flow *flow,
                                 uint64_t now_ns)
{
    return flow_time_left(table, flow, now_ns) == 0;
}

/* FLOW counts as translated, if it is, or no longer. */
void table_count_translated(struct flow_table *table, const struct flow *flow);
void table_discount_translated(struct flow_table *table, const struct flow *flow);

/* Ends FLOW, which was displaced or whose table ends: it does not count as ended. */
void table_release(struct flow_table *table, struct flow *flow, enum flow_end why, uint64_t now_ns);

#endif
