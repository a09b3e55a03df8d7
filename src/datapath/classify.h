/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classify: which rules match. Rules are held against the packet one after the other, first to
 * last, as it is at that moment: a rule sees the edits of those before it. A ruleset with more than
 * a few rules is compiled, so that only those are asked that can hold (classifier.h); the outcome
 * is the same.
 *
 * A super-packet is held against matches of one wire packet only as far as they can tell for all of
 * its segments at once. A rule that may hold for some of them, or that holds and acts on single
 * wire packets, asks for a split.
 *
 * An orphan (a later fragment whose first one is not known) is held against matches on the upper
 * layer as far as can be told. A rule that might hold for it but for these is passed over, so that
 * an `accept` does not let it through; if the rule must not miss a fragment, because it drops or
 * readdresses, the orphan cannot go on. Nearly always that is known before any rule acts, and the
 * orphan is parked until its first fragment comes.
 */
#ifndef IPMODD_DATAPATH_CLASSIFY_H
#define IPMODD_DATAPATH_CLASSIFY_H

#include "path_state.h"

/* One packet on its way through the rules. */
struct walk {
    size_t from;                /* number of the rule from which on none was looked at */
    const struct rule_run *run; /* rules that were found to come next; NULL: none */
    uint32_t at;                /* of the run, the next one */
    struct rule_run own;        /* where a run stands that is not kept */
};

/* Before each batch: chooses how its packets walk. */
void classify_begin(struct path *path);

/*
 * Asked before each batch, of COUNT packets: whether it is worth while to look ahead. It is when
 * there were as many searches as half the packets of the batch before.
 */
bool classify_should_look_ahead(struct path *path, size_t count);

/*
 * COUNT packets at PACKETS, at most FORESIGHT_MAX, come next if they are without a fault (their
 * `reason`): searches for their rules, for the flow cache to know, and asks memory for what all of
 * them need at a time. Changes nothing in what rules do.
 */
void classify_look_ahead(struct path *path, const struct packet *packets, size_t count);

/*
 * The run of the rules from number FROM on that may come next for PACKET, in the flow cache, which
 * keeps it until it is asked again. RET_FOUND: it was known.
 */
const struct rule_run *classify_cached_run(struct path *path, const struct packet *packet,
                                           size_t from, bool *ret_found);

/* The walk from rule number FROM on. */
static inline void walk_begin(struct walk *walk, size_t from)
{
    walk->from = from;
    walk->run = NULL;
}

/*
 * Number of the next rule of PATH's set that matches; rule_count for none. With *RET_UNDECIDED the
 * rule cannot be applied to the packet as it is: a super-packet has to be split and its segments
 * classified from that rule on, an orphan to be dropped.
 */
size_t walk_next(struct walk *walk, struct path *path, const struct packet *packet,
                 bool *ret_undecided);

/*
 * Whether the fate of PACKET, an orphan, may depend on its first fragment: a rule that might hold
 * must not miss it, or would accept what is dropped otherwise. As far as can be told before any
 * rule acts; asks nothing that spends (match.h), so that it can be asked again.
 */
bool classify_needs_first(struct path *path, const struct packet *packet);

#endif
