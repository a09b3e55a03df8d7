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

/* In this batch: whether classify_look_ahead() is worth while. */
bool classify_looks_ahead(const struct path *path);

/*
 * COUNT packets at PACKETS, at most FORESIGHT_MAX, come next if they are without a fault (their
 * `reason`): finds their direction and the rules that their walks begin with, into as many
 * prospects of PATH, step by step for all of them, so that none waits for memory alone. Changes
 * nothing in what rules do.
 */
void classify_look_ahead(struct path *path, struct packet *packets, size_t count);

/*
 * The run that PROSPECT, of PACKET, found for it; NULL when there is none (or no prospect), PACKET
 * was changed since, or the cache has given the entry to another one.
 */
static inline const struct rule_run *classify_foreseen(const struct path *path,
                                                       const struct packet *packet,
                                                       const struct prospect *prospect)
{
    if (prospect == NULL || prospect->entry == NULL || (packet->flags & PACKET_EDITED) != 0)
        return NULL;
    if (path->flow_cache.given != path->given_before &&
        !flow_entry_is(prospect->entry, &prospect->key, packet->family))
        return NULL;
    return &prospect->entry->run;
}

/* The walk from rule number FROM on; RUN: what comes next, NULL when that is not known. */
static inline void walk_begin(struct walk *walk, size_t from, const struct rule_run *run)
{
    walk->from = from;
    walk->at = 0;
    walk->run = run;
}

/* What walk_next() does when more than a look is needed. */
size_t walk_search(struct walk *walk, struct path *path, const struct packet *packet,
                   bool *ret_undecided);

/*
 * Number of the next rule of PATH's set that matches; rule_count for none. With *RET_UNDECIDED the
 * rule cannot be applied to the packet as it is: a super-packet has to be split and its segments
 * classified from that rule on, an orphan to be dropped. Mostly the rule is known, holds and has
 * nothing to be asked.
 */
static inline size_t walk_next(struct walk *walk, struct path *path, const struct packet *packet,
                               bool *ret_undecided)
{
    const struct rule_run *run = walk->run;

    *ret_undecided = false;
    if (run != NULL && walk->at < run->count && (run->rules[walk->at] & RUN_ASK) == 0 &&
        path->way == WALK_RUNS && packet->segments == 1)
        return run->rules[walk->at++];
    return walk_search(walk, path, packet, ret_undecided);
}

/*
 * Whether the fate of PACKET, an orphan, may depend on its first fragment: a rule that might hold
 * must not miss it, or would accept what is dropped otherwise. As far as can be told before any
 * rule acts; asks nothing that spends (match.h), so that it can be asked again.
 */
bool classify_needs_first(struct path *path, const struct packet *packet);

#endif
