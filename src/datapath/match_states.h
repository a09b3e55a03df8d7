/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Match states: what the matches of one path keep between packets (match.h).
 *
 * Made for a ruleset off the packet path and found by number, as ruleset_add() gave them out. A
 * match of a new ruleset takes over the state of its predecessor: the match of the same key, with
 * the same value, in the rule of the same name.
 *
 * Filling may fail and changes nothing else; taking over, which empties the old states, comes last
 * and cannot fail.
 */
#ifndef IPMODD_DATAPATH_MATCH_STATES_H
#define IPMODD_DATAPATH_MATCH_STATES_H

#include "ipmodd/datapath/ruleset.h"

struct match_state;

struct match_states {
    struct match_state *items; /* owned, as what they hold */
    size_t count;
};

/* As many as RULESET has, to be filled. 0 or -ENOMEM. */
int match_states_init(struct match_states *states, const struct ruleset *ruleset);

/*
 * Fills those of RULE. OLD is the rule of the same name in the set before, or NULL: what its
 * matches keep is left to match_states_take_over(). 0 or -ENOMEM.
 */
int match_states_fill(struct match_states *states, const struct rule *rule, const struct rule *old);

/* Takes from OLD what was left to it. */
void match_states_take_over(struct match_states *states, struct match_states *old);

/* Frees and empties; safe on zeroed ones. */
void match_states_clear(struct match_states *states);

void *match_states_get(const struct match_states *states, size_t number);

#endif
