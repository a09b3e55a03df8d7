/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The linear classifier. */
#include "classify.h"

static bool all_hold(const struct rule *rule, const struct packet *packet)
{
    for (size_t i = 0; i < rule->match_count; i++) {
        const struct rule_match *match = &rule->matches[i];

        if (!match->type->test(match->value, packet))
            return false;
    }
    return true;
}

size_t classify_next(const struct ruleset *ruleset, const struct packet *packet, size_t from)
{
    size_t rule = from;

    while (rule < ruleset->rule_count && !all_hold(&ruleset->rules[rule], packet))
        rule++;
    return rule;
}
