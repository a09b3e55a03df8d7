/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source search: an external port or query identifier for a flow that nobody else has (RFC 4787
 * 4.2, RFC 6056 3.3; translation.h says in which order they are tried).
 */
#ifndef IPMODD_DATAPATH_FLOW_SOURCE_SEARCH_H
#define IPMODD_DATAPATH_FLOW_SOURCE_SEARCH_H

#include "ipmodd/datapath/translation.h"
#include "mapping.h"
#include "track_flow.h"

struct source_search {
    const struct tracking *tracking;
    struct flow *flow;
    const struct translation *translation; /* NULL: the address stays */
    struct mapping_inside inside;
    struct flow_tuple *leaving; /* what is tried */
    uint16_t wanted;            /* the port that it had */
};

/* Whether `leaving` has a source port or identifier to be chosen. */
bool source_search_has_port(const struct source_search *search);

/*
 * Whether what answers to `leaving` would be of the flow alone, and of no shard but this one from
 * here on. A flow of which nothing has left yet gives way, and one that this host has refused
 * without anybody knowing.
 */
bool source_search_is_reply_free(const struct source_search *search);

/* The external side of `leaving` as it is. */
struct mapping_outside source_search_outside(const struct source_search *search);

/* Looks for a free port with the address as it is, and leaves it in `leaving`. False: none found.
 */
bool source_search_find_port(const struct source_search *search);

#endif
