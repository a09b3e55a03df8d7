/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filters as words: KEY=VALUE with the match keys of rule sections and their values
 * (ipmodd.conf(5)), all of which must hold. Sets are not at hand, and matches that use something up
 * would change what rules decide: both are refused.
 */
#ifndef IPMODD_RULES_FILTER_H
#define IPMODD_RULES_FILTER_H

#include "ipmodd/datapath/filter.h"
#include "ipmodd/datapath/value.h"

/*
 * The filter that the COUNT WORDS are, one at least. RULESET: that in force. 0; -EINVAL with ERROR
 * filled; -ENOMEM. The caller owns *RET_FILTER.
 */
int filter_parse(char *const *words, size_t count, const struct ruleset *ruleset,
                 struct filter **ret_filter, struct value_error *error);

#endif
