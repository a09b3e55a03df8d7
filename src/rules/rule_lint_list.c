/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules do to each other that was hardly meant. */
#include "rule_lint.h"
#include "rule_reach.h"
#include "rule_section.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text_stream.h"
#include "ipmodd/datapath/verdict.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Costs of comparing two rules by their kinds of matches, and two values as text. */
enum {
    BUDGET = 1000000, /* some ten milliseconds */
    COST_RULES = 1,
    COST_IMPLIED = 10,
    COST_TEXTS = 100,
};

/* A rule that ends the list for every packet that its matches hold for. */
struct ender {
    const struct rule *rule;
    uint64_t kinds; /* of its matches, but for those that hold always: a bit each */
    field_set reads;
    field_set written; /* by it and the rules behind it, up to the present one */
};

struct lint {
    const struct config_divert *divert;
    struct ender *enders;
    size_t count;
    size_t budget;
};

/* `reply` does not end it for all of them. */
static bool ends_list(const struct rule *rule)
{
    for (size_t i = 0; i < rule->match_count; i++) {
        if (rule->matches[i].type->varies)
            return false;
    }
    return verdict_of_rule(rule) != VERDICT_COUNT;
}

static field_set fields_read(const struct rule *rule)
{
    field_set fields = 0;

    for (size_t i = 0; i < rule->match_count; i++)
        fields |= rule->matches[i].type->reads;
    return fields;
}

static field_set fields_written(const struct rule *rule)
{
    field_set fields = 0;

    for (size_t i = 0; i < rule->action_count; i++)
        fields |= rule->actions[i].type->writes;
    return fields;
}

static bool same_value(const struct rule_match *a, const struct rule_match *b)
{
    char CLEANUP(cleanup_free) *text_a = text_stream_print(a->type->print, a->value);
    char CLEANUP(cleanup_free) *text_b = text_stream_print(b->type->print, b->value);

    return text_a != NULL && text_b != NULL && strcmp(text_a, text_b) == 0;
}

static void spend(struct lint *lint, size_t cost)
{
    lint->budget -= MIN_OF(cost, lint->budget);
}

/* Whether WIDE holds for every packet that NARROW, of the same key, holds for, as far as known. */
static bool covers_match(struct lint *lint, const struct rule_match *wide,
                         const struct rule_match *narrow)
{
    if (wide->type->implied != NULL) {
        spend(lint, COST_IMPLIED);
        return wide->type->implied(wide->value, narrow->value);
    }
    spend(lint, COST_TEXTS);
    return same_value(wide, narrow);
}

/* The bit of the kind of MATCH. */
static uint64_t kind_of(const struct rule_match *match)
{
    size_t number = 0;

    while (match_types[number] != match->type)
        number++;
    return UINT64_C(1) << number;
}

/* Those of all matches of RULE. */
static uint64_t kinds_of(const struct rule *rule)
{
    uint64_t kinds = 0;

    for (size_t i = 0; i < rule->match_count; i++)
        kinds |= kind_of(&rule->matches[i]);
    return kinds;
}

/* Those that other rules need so that RULE can hold for all of their packets. */
static uint64_t kinds_demanded(const struct rule *rule, const struct config_divert *divert)
{
    uint64_t kinds = 0;

    for (size_t i = 0; i < rule->match_count; i++) {
        if (!rule_reach_always(&rule->matches[i], divert))
            kinds |= kind_of(&rule->matches[i]);
    }
    return kinds;
}

/* Whether MATCH holds for every packet that RULE holds for. */
static bool follows_from(struct lint *lint, const struct rule_match *match, const struct rule *rule)
{
    for (size_t i = 0; i < rule->match_count; i++) {
        if (rule->matches[i].type == match->type && covers_match(lint, match, &rule->matches[i]))
            return true;
    }
    return false;
}

/* What comes between must not make packets that the earlier rule did not hold for. */
static bool covers(struct lint *lint, const struct ender *ender, const struct rule *rule,
                   uint64_t kinds)
{
    const struct rule *wide = ender->rule;

    spend(lint, COST_RULES);
    if ((ender->written & ender->reads) != 0 || (ender->kinds & ~kinds) != 0)
        return false;
    for (size_t i = 0; i < wide->match_count; i++) {
        if ((ender->kinds & kind_of(&wide->matches[i])) != 0 &&
            !follows_from(lint, &wide->matches[i], rule))
            return false;
    }
    return true;
}

static struct place place_of(const struct rule *rule, char *section, size_t size)
{
    snprintf(section, size, "rule %s", rule->name);
    return (struct place){.file = rule->file, .line = rule->line, .section = section};
}

static void report_shadowed(const struct rule *rule, const struct rule *by, struct report *report)
{
    char section[RULE_NAME_MAX + sizeof("rule ")];
    const struct place place = place_of(rule, section, sizeof(section));

    report_warning(report, &place,
                   "never matches: [rule %s] in %s:%u holds for all of its packets and ends the "
                   "list",
                   by->name, by->file, by->line);
}

/* Warns of RULE if an earlier one ends the list for all of its packets. */
static void check_shadow(struct lint *lint, const struct rule *rule, struct report *report)
{
    uint64_t kinds = kinds_of(rule);

    for (size_t i = 0; i < lint->count && lint->budget > 0; i++) {
        if (!covers(lint, &lint->enders[i], rule, kinds))
            continue;
        report_shadowed(rule, lint->enders[i].rule, report);
        return;
    }
}

/* Edits of RULE are seen by the rules behind it; so are those that end nothing. */
static void note(struct lint *lint, const struct rule *rule)
{
    field_set written = fields_written(rule);

    for (size_t i = 0; written != 0 && i < lint->count; i++)
        lint->enders[i].written |= written;
    if (ends_list(rule))
        lint->enders[lint->count++] = (struct ender){
            .rule = rule, .kinds = kinds_demanded(rule, lint->divert), .reads = fields_read(rule)};
}

static bool holds_always(const struct rule *rule, const struct config_divert *divert)
{
    for (size_t i = 0; i < rule->match_count; i++) {
        if (!rule_reach_always(&rule->matches[i], divert))
            return false;
    }
    return true;
}

/* Rejecting the rest is what the last rule of an allow-list does; rejecting all is a slip. */
static void check_reject_all(const struct ruleset *ruleset, const struct config_divert *divert,
                             struct report *report)
{
    for (size_t i = 0; i < ruleset->rule_count; i++) {
        const struct rule *rule = &ruleset->rules[i];
        enum verdict verdict = verdict_of_rule(rule);
        char section[RULE_NAME_MAX + sizeof("rule ")];
        struct place place;

        if (verdict == VERDICT_ACCEPT)
            return;
        if (verdict != VERDICT_REJECT || !holds_always(rule, divert))
            continue;
        place = place_of(rule, section, sizeof(section));
        report_warning(report, &place,
                       "rejects every packet: give it a match, or let an earlier rule accept "
                       "what may pass");
        return;
    }
}

void rule_lint_list(const struct ruleset *ruleset, const struct config_divert *divert,
                    struct report *report)
{
    struct lint lint = {.enders = calloc(ruleset->rule_count + 1, sizeof(*lint.enders)),
                        .divert = divert,
                        .budget = BUDGET};

    assert(match_type_count <= 64); /* a bit for each kind */
    for (size_t i = 0; lint.enders != NULL && i < ruleset->rule_count && lint.budget > 0; i++) {
        check_shadow(&lint, &ruleset->rules[i], report);
        note(&lint, &ruleset->rules[i]);
    }
    free(lint.enders);
    check_reject_all(ruleset, divert, report);
}
