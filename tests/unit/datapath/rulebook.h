/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rulebook: rules for tests of the path, with match and action types of their own.
 *
 * Values are plain numbers behind the value pointer, so nothing is allocated and the tests depend
 * on none of the real records.
 */
#ifndef IPMODD_TESTS_RULEBOOK_H
#define IPMODD_TESTS_RULEBOOK_H

#include "ipmodd/datapath/ruleset.h"

/* Match: destination port equals the value. */
extern const struct match_type match_dport;
/* Match: TTL equals the value. */
extern const struct match_type match_ttl;
/* Match: the direction equals the value. */
extern const struct match_type match_direction;

/* Actions: edits with the value, then the ones that decide. */
extern const struct action_type action_ttl;
extern const struct action_type action_dport;
extern const struct action_type action_dst; /* 203.0.113.VALUE or 2001:db8:cafe::VALUE */
extern const struct action_type action_drop;
extern const struct action_type action_accept;
extern const struct action_type action_reject;
extern const struct action_type action_echo;

/* VALUE as a value pointer. */
void *rulebook_value(uintptr_t value);

/* An empty rule called NAME. */
struct rule rulebook_rule(const char *name);

/* With one match and one action; either type may be NULL. Appended to RULESET. */
void rulebook_add(struct ruleset *ruleset, const char *name, const struct match_type *match,
                  uintptr_t match_value, const struct action_type *action, uintptr_t action_value);

#endif
