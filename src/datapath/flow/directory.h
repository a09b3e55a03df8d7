/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directory: which thread has the flow with a tuple, where several threads have flows.
 *
 * It holds one element for a tuple and its turned one together, as both belong to one thread: 56
 * bits of their hash, with a secret seed, and the number of that thread. Nothing more is needed: a
 * thread that gets the packet of another one hands it over, and that one knows its flows by their
 * tuples. Two tuples with the same 56 bits would have to be in one thread; among 16 million flows
 * that happens to one new flow in four thousand million, and costs it nothing.
 *
 * Elements are claimed and given back under a lock: once for a flow that begins or ends, or twice
 * for one that is translated. There is one lock for each of up to 256 parts of the table, so that
 * threads seldom meet. Finding takes none: a version that counts the writes to the part tells
 * whether what was read was whole (Lameter, "Effective Synchronization on Linux/NUMA Systems",
 * 2005: seqlock), and only if it was not, the lock is taken after all.
 *
 * Open addressing with linear probing within each part, at most half full altogether.
 */
#ifndef IPMODD_DATAPATH_FLOW_DIRECTORY_H
#define IPMODD_DATAPATH_FLOW_DIRECTORY_H

#include "ipmodd/datapath/flow.h"

enum { DIRECTORY_NOBODY = 255 };

struct directory;

/* Room for CAPACITY pairs of tuples, in memory that is touched as it is used. NULL without memory.
 */
struct directory *directory_new(size_t capacity, uint64_t seed);
void directory_free(struct directory *directory);

/* The thread that has TUPLE or its turned one; DIRECTORY_NOBODY. By any thread, without waiting. */
unsigned directory_find(struct directory *directory, const struct flow_tuple *tuple);

/* The same, and it is OWNER unless there was one. DIRECTORY_NOBODY when there is no room. */
unsigned directory_claim(struct directory *directory, const struct flow_tuple *tuple,
                         unsigned owner);

/* OWNER has neither TUPLE nor its turned one any more. Nothing happens if it is another one's. */
void directory_give_back(struct directory *directory, const struct flow_tuple *tuple,
                         unsigned owner);

/* Elements in use, as any thread sees them. */
size_t directory_count(const struct directory *directory);

/* Bytes that it would have in memory, were it full. */
size_t directory_size(const struct directory *directory);

#endif
