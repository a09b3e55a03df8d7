/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule work: one section while a rule is made of it, for the files that share it: rule_section.c
 * (matches and actions) and observe_key.c (what watches).
 *
 * All that is wrong with a section is reported, not the first fault alone, so a refused value is no
 * error of who reads it: it is noted here, and the rule is left out at the end. What is returned on
 * the way is -ENOMEM or nothing.
 */
#ifndef IPMODD_RULES_RULE_WORK_H
#define IPMODD_RULES_RULE_WORK_H

#include "document.h"
#include "narrowing.h"
#include "report.h"
#include "rule_key.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/ruleset.h"
#include "ipmodd/datapath/value.h"

struct rule_work {
    const struct section *section;
    struct rule_key *keys; /* what each of its entries' is; owned */
    struct report *report;
    const struct ruleset *ruleset; /* the rules before this one, and all sets */
    struct rule rule;              /* owned until it is part of a ruleset */
    struct narrowing narrowing;
    bool failed; /* something was reported */
};

/* Reports what is wrong with ENTRY. */
void rule_work_fail(struct rule_work *work, const struct entry *entry, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* R, what a parser returned for ENTRY: a refusal (-EINVAL) is reported. 0 or -ENOMEM. */
int rule_work_take(struct rule_work *work, const struct entry *entry, int r,
                   const struct value_error *error);

#endif
