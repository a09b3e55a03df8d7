/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this folder have to tell the table, and ask of it. */
#ifndef IPMODD_DATAPATH_FLOW_TABLE_H
#define IPMODD_DATAPATH_FLOW_TABLE_H

#include "ipmodd/datapath/flow.h"

/* Both sides take part in FLOW: it makes room for no other any more. */
void table_note_both_sides(struct flow_table *table, struct flow *flow);

/* The observer, if there is one and FLOW is decided, is told of CHANGE, which is not its end. */
void table_tell(const struct flow_table *table, const struct flow *flow, enum flow_change change,
                uint64_t now_ns);

/*
 * Makes mapping NUMBER (of table_mappings(); 0: none) the I-th that FLOW uses, in place of that
 * which it has; the flow holds it until it ends.
 */
void flow_table_hold_mapping(struct flow_table *table, struct flow *flow, size_t i,
                             uint32_t number);

/* Those set last; `max` is not the room of the table if it was made with another. */
const struct flow_limits *table_limits(const struct flow_table *table);

/* With the secret seed. */
uint64_t table_hash(const struct flow_table *table, const void *bytes, size_t size);

/*
 * From here on the empty TABLE is number NUMBER of SHARDS (borrowed; NULL: of none), and shares
 * what they share. Again for the same ones it does nothing.
 */
struct shards;
void table_join(struct flow_table *table, struct shards *shards, unsigned number);

/* Whether another shard has TUPLE or its turned one, and which. */
bool table_is_elsewhere(const struct flow_table *table, const struct flow_tuple *tuple,
                        unsigned *ret_owner);

/*
 * Makes them TABLE's if they are nobody's. False when they are another shard's, or
 * DIRECTORY_NOBODY's for want of room.
 */
bool table_claim(struct flow_table *table, const struct flow_tuple *tuple, unsigned *ret_owner);

/* What was claimed is given back, unless a flow of TABLE has it. */
void table_disclaim(struct flow_table *table, const struct flow_tuple *tuple);

/* Whether there are translated flows, here or in another shard. */
bool table_translates(const struct flow_table *table);

/* Other shards may claim the ORIGINAL of FLOW, which stays: TABLE claims it again when it is met.
 */
void table_give_up(struct flow_table *table, const struct flow *flow);

/* Around all use of mappings from the question to the hold; may be nested. */
void table_lock_mappings(struct flow_table *table);
void table_unlock_mappings(struct flow_table *table);

struct mappings;
struct mappings *table_mappings(const struct flow_table *table);

/* Whether mapping NUMBER has as many flows as it may have (RFC 6888 REQ-5). 0 never has. */
bool table_is_mapping_full(const struct flow_table *table, uint32_t number);

#endif
