/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filter: matches without actions, held against packets of a path by somebody who looks on.
 *
 * It never takes part in what becomes of a packet: it counts nothing, draws no random number and
 * spends no token, so matches that do (match.h) are not in one. A super-packet is never split for a
 * filter; it fits when one of its wire packets may.
 *
 * A filter is immutable and may be used by several paths; what its matches keep between packets is
 * in a filter_memory, one for each path.
 */
#ifndef IPMODD_DATAPATH_FILTER_H
#define IPMODD_DATAPATH_FILTER_H

#include "ipmodd/datapath/path.h"

struct filter;
struct filter_memory;

/* All of RULE's matches; takes over what RULE owns, also on failure. NULL without memory. */
struct filter *filter_new(struct rule *rule);
/* NULL is allowed. */
void filter_free(struct filter *filter);

/* For FILTER, which outlives it. NULL without memory. */
struct filter_memory *filter_memory_new(const struct filter *filter);
/* NULL is allowed. */
void filter_memory_free(struct filter_memory *memory);

/*
 * Whether the filter of MEMORY fits PACKET, which parse.c accepted and whose direction is known, on
 * PATH during path_run(). One that asks for flows fits nothing while the path tracks none.
 */
bool filter_fits(struct filter_memory *memory, const struct path *path,
                 const struct packet *packet);

#endif
