/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that are right in themselves but see no packet, because [divert] sends none of that kind
 * here: worth a warning, since the other half of the configuration may be what was forgotten.
 */
#ifndef IPMODD_RULES_RULE_REACH_H
#define IPMODD_RULES_RULE_REACH_H

#include "document.h"
#include "report.h"

#include "ipmodd/datapath/ruleset.h"

/* RULE was built from SECTION; SCOPE is what its keys leave of all packets. */
void rule_reach_check(const struct rule *rule, const struct scope *scope,
                      const struct config_divert *divert, const struct section *section,
                      struct report *report);

#endif
