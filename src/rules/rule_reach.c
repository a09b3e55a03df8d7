/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which packets rules see, and rules that see none. */
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

/* Those of SEEN (1u << enum direction) that MATCH, on `direction`, holds for: it reads nothing else
 * of a packet. */
static unsigned keep_directions(const struct rule_match *match, unsigned seen)
{
    for (enum direction direction = 0; direction < DIRECTION_COUNT; direction++) {
        const struct packet packet = {.direction = direction};

        if (!match->type->test(match->value, &nothing, &packet))
            seen &= ~(1u << direction);
    }
    return seen;
}

unsigned rule_reach_directions(const struct rule *rule, const struct config_divert *divert)
{
    const struct rule_match *match = find_match(rule, "direction");

    return match != NULL ? keep_directions(match, divert->directions) : divert->directions;
}

/* Whether SCOPE has every protocol of FAMILIES. */
static bool has_all_of(const struct scope *scope, unsigned families)
{
    struct scope wanted = scope_all(), both;

    scope_keep_families(&wanted, families);
    both = wanted;
    scope_intersect(&both, scope);
    return memcmp(&both, &wanted, sizeof(both)) == 0;
}

bool rule_reach_always(const struct rule_match *match, const struct config_divert *divert)
{
    const struct match_type *type = match->type;
    struct scope scope = scope_all();

    if (text_is("direction", type->key))
        return keep_directions(match, divert->directions) == divert->directions;
    if (type->holds_always == NULL || !type->holds_always(match->value))
        return false;
    if (type->narrow != NULL)
        type->narrow(match->value, &scope);
    return has_all_of(&scope, divert->families);
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
