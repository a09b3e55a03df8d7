/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [rule NAME]: from the text of one section to a rule of the ruleset. */
#include "rule_section.h"

#include "later.h"
#include "observe_key.h"
#include "rule_lint.h"
#include "rule_reach.h"
#include "rule_work.h"
#include "setting.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <string.h>

static void work_clear(struct rule_work *work)
{
    rule_clear(&work->rule);
}

/* Takes from the scope what ENTRY's value cannot apply to, and reports when nothing is left. */
static void narrow(struct rule_work *work, const struct entry *entry, narrow_fn *take,
                   const void *value)
{
    const struct entry *opponent;

    if (take == NULL || narrowing_take(&work->narrowing, entry, take, value, &opponent))
        return;
    if (opponent != NULL && opponent->line == 0)
        rule_work_fail(work, entry, "contradicts %s = %.60s: no packet fits both", opponent->key,
                       opponent->value);
    else if (opponent != NULL)
        rule_work_fail(work, entry, "contradicts %s = %.60s in line %u: no packet fits both",
                       opponent->key, opponent->value, opponent->line);
    else
        rule_work_fail(work, entry, "no packet fits this together with the other keys of the rule");
}

static int add_match(struct rule_work *work, const struct entry *entry,
                     const struct match_type *type)
{
    struct value_error error;
    void *value;
    int r = type->parse(entry->value, &work->narrowing.scope, &value, &error);

    if (r < 0)
        return rule_work_take(work, entry, r, &error);
    r = rule_add_match(&work->rule, type, value);
    if (r == 0 && type->bind != NULL && type->bind(value, &work->ruleset->sets, &error) < 0)
        return rule_work_take(work, entry, -EINVAL, &error);
    if (r == 0)
        narrow(work, entry, type->narrow, value);
    return r;
}

static int add_action(struct rule_work *work, const struct entry *entry,
                      const struct action_type *type)
{
    struct value_error error;
    void *value;
    int r = type->parse(entry->value, &work->narrowing.scope, &value, &error);

    if (r < 0)
        return rule_work_take(work, entry, r, &error);
    r = rule_add_action(&work->rule, type, value);
    if (r == 0)
        narrow(work, entry, type->narrow, value);
    return r;
}

/* The matches that are parsed early, or those that are parsed late. */
static int add_matches(struct rule_work *work, bool late)
{
    for (size_t i = 0; i < work->section->entry_count; i++) {
        const struct entry *entry = &work->section->entries[i];
        const struct match_type *type = match_type_find(entry->key);
        int r;

        if (type == NULL || type->parse_late != late || *entry->value == '\0')
            continue;
        r = add_match(work, entry, type);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The edits, or the deciding actions. */
static int add_actions(struct rule_work *work, bool decides)
{
    const struct entry *first = NULL;

    for (size_t i = 0; i < work->section->entry_count; i++) {
        const struct entry *entry = &work->section->entries[i];
        const struct action_type *type = action_type_find(entry->key);
        int r;

        if (type == NULL || type->decides != decides || *entry->value == '\0')
            continue;
        if (decides && first != NULL) {
            rule_work_fail(work, entry,
                           "the rule decides already with %s in line %u: keep one of them",
                           first->key, first->line);
            continue;
        }
        first = entry;
        r = add_action(work, entry, type);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The keys that watch; what a capture is labelled with are the actions. */
static int add_observing(struct rule_work *work)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < observe_key_count; i++) {
        const struct entry *entry = section_find_entry(work->section, observe_keys[i].key);

        if (entry != NULL && *entry->value != '\0')
            r = observe_keys[i].add(work, entry);
    }
    return r;
}

bool rule_section_has_key(const char *key)
{
    return match_type_find(key) != NULL || action_type_find(key) != NULL ||
           observe_key_find(key) != NULL;
}

/* What a value of KEY looks like. */
static const char *grammar_of(const char *key)
{
    const struct match_type *match = match_type_find(key);
    const struct action_type *action = action_type_find(key);

    if (match != NULL)
        return match->grammar;
    return action != NULL ? action->grammar : observe_key_find(key)->grammar;
}

static void fail_unknown(struct rule_work *work, const struct entry *entry)
{
    const char *home = setting_section_of(entry->key);
    struct text_guess guess = TEXT_GUESS(entry->key);

    for (size_t i = 0; i < match_type_count; i++)
        text_guess_offer(&guess, match_types[i]->key);
    for (size_t i = 0; i < action_type_count; i++)
        text_guess_offer(&guess, action_types[i]->key);
    for (size_t i = 0; i < observe_key_count; i++)
        text_guess_offer(&guess, observe_keys[i].key);
    if (later_has_key("rule", entry->key))
        rule_work_fail(work, entry, "is not in this version yet: leave it out");
    else if (home != NULL)
        rule_work_fail(work, entry, "is a key of [%s], not of a rule", home);
    else if (guess.name != NULL)
        rule_work_fail(work, entry, "unknown key; did you mean '%s'?", guess.name);
    else
        rule_work_fail(work, entry, "unknown key: ipmodd.conf(5) lists the matches and actions");
}

/* Keys that do not exist, and keys without a value. */
static void check_keys(struct rule_work *work)
{
    for (size_t i = 0; i < work->section->entry_count; i++) {
        const struct entry *entry = &work->section->entries[i];

        if (!rule_section_has_key(entry->key))
            fail_unknown(work, entry);
        else if (*entry->value == '\0')
            rule_work_fail(work, entry, "has no value: %s", grammar_of(entry->key));
    }
}

static int build(struct rule_work *work, const char *name)
{
    int r = rule_init(&work->rule, name, work->section->file, work->section->line);

    if (r < 0)
        return r;
    check_keys(work);
    r = add_matches(work, false);
    if (r == 0)
        r = add_matches(work, true);
    if (r == 0)
        r = add_actions(work, false);
    if (r == 0)
        r = add_actions(work, true);
    return r == 0 ? add_observing(work) : r;
}

static int build_matches(struct rule_work *work)
{
    int r = rule_init(&work->rule, "filter", "", 0);

    for (size_t i = 0; r == 0 && i < work->section->entry_count; i++) {
        const struct entry *entry = &work->section->entries[i];

        if (action_type_find(entry->key) != NULL || observe_key_find(entry->key) != NULL)
            rule_work_fail(work, entry, "is no match, and a filter has matches alone");
    }
    if (r < 0 || work->failed)
        return r;
    check_keys(work);
    r = add_matches(work, false);
    return r == 0 ? add_matches(work, true) : r;
}

int rule_section_build_matches(const struct section *section, struct report *report,
                               struct rule *ret_rule)
{
    static const struct ruleset no_rules;
    struct rule_work CLEANUP(work_clear) work = {
        .section = section, .report = report, .ruleset = &no_rules, .narrowing = narrowing_all()};
    int r = build_matches(&work);

    if (r < 0 || work.failed)
        return r < 0 ? r : -EINVAL;
    *ret_rule = work.rule;
    work.rule = (struct rule){.name = NULL};
    return 0;
}

int rule_section_build(const struct section *section, const char *name, struct loaded *loaded,
                       struct report *report)
{
    struct rule_work CLEANUP(work_clear) work = {.section = section,
                                                 .report = report,
                                                 .ruleset = loaded->ruleset,
                                                 .narrowing = narrowing_all()};
    int r = build(&work, name);

    if (r < 0 || work.failed)
        return r;
    work.rule.digest = section_digest(section);
    rule_reach_check(&work.rule, &work.narrowing.scope, &loaded->config->divert, section, report);
    rule_lint(&work.rule, &loaded->config->divert, section, report);
    return ruleset_add(loaded->ruleset, &work.rule);
}
