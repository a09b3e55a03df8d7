/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which packets rules see of those that are diverted, and rules that see none for reasons that a
 * scope (scope.h) does not express.
 *
 * A rule for what later fragments do not have, and for later fragments alone, is an error like
 * every contradiction. A rule of a kind that [divert] does not send here is a warning, since
 * the other half of the configuration may be what was forgotten.
 */
#ifndef IPMODD_RULES_RULE_REACH_H
#define IPMODD_RULES_RULE_REACH_H

#include "document.h"
#include "report.h"

#include "ipmodd/datapath/ruleset.h"

/* Directions (1u << enum direction) of packets that are diverted and that RULE can hold for. */
unsigned rule_reach_directions(const struct rule *rule, const struct config_divert *divert);

/* Whether MATCH holds for all packets that are diverted. */
bool rule_reach_always(const struct rule_match *match, const struct config_divert *divert);

/* RULE was built from SECTION; SCOPE is what its keys leave of all packets. */
void rule_reach_check(const struct rule *rule, const struct scope *scope,
                      const struct config_divert *divert, const struct section *section,
                      struct report *report);

#endif
