/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lint: rules that do what they say and hardly what was meant. Warnings, never errors.
 *
 * What a rule does to a TTL, an MSS or the don't-fragment bit is not concluded from its text but
 * seen on forged packets that its matches hold for: the records of matches and actions are the only
 * ones that know what their values mean.
 */
#ifndef IPMODD_RULES_RULE_LINT_H
#define IPMODD_RULES_RULE_LINT_H

#include "document.h"
#include "report.h"

#include "ipmodd/datapath/ruleset.h"

/*
 * RULE was built from SECTION. It may
 *   - raise the TTL of forwarded packets, which keeps those that circle alive (RFC 1812 5.3.1);
 *   - raise the MSS beyond what a host is ready to receive (RFC 9293 3.7.1);
 *   - clear DF where the identification is 0, so that fragments are mixed up (RFC 6864 4.1);
 *   - send this host's packets elsewhere though the answers do not come by here.
 */
void rule_lint(const struct rule *rule, const struct config_divert *divert,
               const struct section *section, struct report *report);

/*
 * The rules of RULESET were built from sections of DOCUMENT, in their order. What one translates
 * may be answered where nothing translates it back, since [divert] does not send those packets
 * here; or be led where the kernel drops it; or be moved into a prefix that has no room for it.
 * Which addresses are the host's own is not known here, so what can be meant either way is not
 * spoken of.
 */
void rule_lint_translations(const struct document *document, const struct config *config,
                            const struct ruleset *ruleset, struct report *report);

/*
 * Rules of RULESET that never match because an earlier one holds for every packet of theirs and
 * ends the list, and one that rejects everything before any rule accepts something. Of very many
 * rules only as many pairs are compared as a part of a second allows.
 */
void rule_lint_list(const struct ruleset *ruleset, const struct config_divert *divert,
                    struct report *report);

#endif
