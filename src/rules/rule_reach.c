/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that see no packet. */
#include "rule_reach.h"

#include "ipmodd/base/text.h"

/* The matches that are asked here use nothing of it. */
static const struct match_context nothing;

/* RULE's match on KEY, or NULL. */
static const struct rule_match *find_match(const struct rule *rule, const char *key)
{
    for (size_t i = 0; i < rule->match_count; i++) {
        if (text_is(key, rule->matches[i].type->key))
            return &rule->matches[i];
    }
    return NULL;
}

/* `direction` reads nothing else of a packet. */
unsigned rule_reach_directions(const struct rule *rule, const struct config_divert *divert)
{
    const struct rule_match *match = find_match(rule, "direction");
    unsigned seen = divert->directions;

    for (enum direction direction = 0; match != NULL && direction < DIRECTION_COUNT; direction++) {
        const struct packet packet = {.direction = direction};

        if (!match->type->test(match->value, &nothing, &packet))
            seen &= ~(1u << direction);
    }
    return seen;
}

/* MATCH is on `fragment`, which reads the packet's flags alone. */
static bool holds_for_headers(const struct rule_match *match)
{
    const struct packet whole = {.flags = 0};
    const struct packet first = {.flags = PACKET_FRAGMENT};

    return match->type->test(match->value, &nothing, &whole) ||
           match->type->test(match->value, &nothing, &first);
}

/* Reports a match on what only first fragments have in a rule for later ones. */
static void check_fragment(const struct rule *rule, const struct section *section,
                           struct report *report)
{
    const struct rule_match *fragment = find_match(rule, "fragment");

    if (fragment == NULL || holds_for_headers(fragment))
        return;
    for (size_t i = 0; i < rule->match_count; i++) {
        const struct entry *entry = section_find_entry(section, rule->matches[i].type->key);
        const struct place place = entry_place(section, entry);

        if (rule->matches[i].type->needs_header && !rule->matches[i].type->follows)
            report_error(report, &place,
                         "never holds with fragment = later: only a first fragment is looked at");
    }
}

void rule_reach_check(const struct rule *rule, const struct scope *scope,
                      const struct config_divert *divert, const struct section *section,
                      struct report *report)
{
    const struct place place = section_place(section);

    check_fragment(rule, section, report);
    if (rule_reach_directions(rule, divert) == 0)
        report_warning(report, &place,
                       "sees no packet: [divert] direction does not divert what the rule is for");
    if ((scope_families(scope) & divert->families) == 0)
        report_warning(report, &place,
                       "sees no packet: [divert] family does not divert what the rule is for");
}
