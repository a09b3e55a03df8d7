/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of a rule section: matches, actions, and those that watch (observe_key.h). A key is
 * looked for once, and then known by what was found.
 */
#ifndef IPMODD_RULES_RULE_KEY_H
#define IPMODD_RULES_RULE_KEY_H

#include "ipmodd/base/text.h"
#include "ipmodd/datapath/action.h"

/* What a key is: one of the three, or nothing. */
struct rule_key {
    const struct match_type *match;    /* or NULL */
    const struct action_type *action;  /* or NULL */
    const struct observe_key *observe; /* or NULL */
};

struct rule_key rule_key_find(const char *name);

/* Whether KEY can stand in a rule section. */
bool rule_key_exists(const struct rule_key *key);

/* What a value of KEY, which exists, looks like: one line. */
const char *rule_key_grammar(const struct rule_key *key);

/* Whether KEY may stand in a section several times. */
bool rule_key_repeats(const struct rule_key *key);

/* Offers the names of all keys. */
void rule_key_guess(struct text_guess *guess);

#endif
