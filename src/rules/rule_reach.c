/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that see no packet. */
#include "rule_reach.h"

/* RULE's match on `direction`, which reads nothing else of a packet; NULL without one. */
static const struct rule_match *find_direction(const struct rule *rule)
{
    const struct match_type *type = match_type_find("direction");

    for (size_t i = 0; i < rule->match_count; i++) {
        if (rule->matches[i].type == type)
            return &rule->matches[i];
    }
    return NULL;
}

static bool holds_for_any(const struct rule_match *match, unsigned directions)
{
    for (unsigned direction = 0; direction < DIRECTION_COUNT; direction++) {
        const struct packet packet = {.direction = direction};

        if ((directions & 1u << direction) != 0 && match->type->test(match->value, &packet))
            return true;
    }
    return false;
}

void rule_reach_check(const struct rule *rule, const struct scope *scope,
                      const struct config_divert *divert, const struct section *section,
                      struct report *report)
{
    const struct rule_match *direction = find_direction(rule);
    const struct place place = section_place(section);

    if (direction != NULL && !holds_for_any(direction, divert->directions))
        report_warning(report, &place,
                       "sees no packet: [divert] direction does not divert what the rule is for");
    if ((scope_families(scope) & divert->families) == 0)
        report_warning(report, &place,
                       "sees no packet: [divert] family does not divert what the rule is for");
}
