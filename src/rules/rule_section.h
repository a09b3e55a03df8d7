/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * [rule NAME]: from the text of one section to a rule of the ruleset.
 *
 * Matches narrow the scope of packets that the rule can apply to (scope.h), first those whose
 * values mean the same in every rule, then those whose numbers depend on the family; actions narrow
 * it further. The key that leaves nothing is an error and names the one that it contradicts.
 */
#ifndef IPMODD_RULES_RULE_SECTION_H
#define IPMODD_RULES_RULE_SECTION_H

#include "document.h"
#include "report.h"

#include "ipmodd/rules/load.h"

/* Longer names would not fit a line of a table; they are labels everywhere. */
enum { RULE_NAME_MAX = 63 };

/*
 * Appends the rule that SECTION describes, called NAME, to the ruleset of LOADED, whose config is
 * there already. What is wrong goes to REPORT, and the rule is then left out. 0 or -ENOMEM.
 */
int rule_section_build(const struct section *section, const char *name, struct loaded *loaded,
                       struct report *report);

/*
 * The matches of SECTION, which has no place in a file (line 0) and nothing but matches, as a rule
 * that the caller owns. 0, -EINVAL with the reasons in REPORT, or -ENOMEM.
 */
int rule_section_build_matches(const struct section *section, struct report *report,
                               struct rule *ret_rule);

#endif
