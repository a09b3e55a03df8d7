/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Index: from a tuple to the flow that has it.
 *
 * A hash table with open addressing and linear probing (Knuth, TAOCP 6.4, algorithms L and R) that
 * holds one element for each tuple: 32 bits of the hash and the number of the entry. It is at most
 * half full. The hash is XXH3 with a secret seed: who chooses tuples cannot choose their places.
 */
#ifndef IPMODD_DATAPATH_FLOW_INDEX_H
#define IPMODD_DATAPATH_FLOW_INDEX_H

#include "ipmodd/datapath/flow.h"

struct flow_place;

struct flow_index {
    struct flow *flows;        /* the entries; borrowed */
    struct flow_place *places; /* owned */
    size_t mask;               /* number of places, a power of two, less one */
    uint64_t seed;             /* set while the index is empty */
};

/* For CAPACITY entries at FLOWS. 0 or -ENOMEM. */
int flow_index_init(struct flow_index *index, struct flow *flows, size_t capacity);
/* Safe on a zeroed one. */
void flow_index_clear(struct flow_index *index);

/* Bytes that it would have in memory, were it full. */
size_t flow_index_size(const struct flow_index *index);

uint64_t flow_index_hash(const struct flow_index *index, const void *bytes, size_t size);

/* The flow with TUPLE, and which of its ways that is; NULL for none. */
struct flow *flow_index_find(const struct flow_index *index, const struct flow_tuple *tuple,
                             enum flow_way *ret_way);

/* The tuple that FLOW has for WAY, which no element has yet; or which has one. */
void flow_index_add(struct flow_index *index, const struct flow *flow, enum flow_way way);
void flow_index_remove(struct flow_index *index, const struct flow *flow, enum flow_way way);

/* As flow_table_prefetch(). */
void flow_index_prefetch(const struct flow_index *index, const struct flow_tuple *tuples,
                         size_t count);

#endif
