/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [rule NAME]: from the text of one section to a rule of the ruleset. */
#include "rule_section.h"

#include "later.h"
#include "observe_key.h"
#include "rule_key.h"
#include "rule_lint.h"
#include "rule_reach.h"
#include "rule_work.h"
#include "setting.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <stdlib.h>

static void work_clear(struct rule_work *work)
{
    rule_clear(&work->rule);
    free(work->keys);
}

/* Looks for each key of the section, once. 0 or -ENOMEM. */
static int find_keys(struct rule_work *work)
{
    const struct section *section = work->section;

    work->keys = calloc(section->entry_count + 1, sizeof(*work->keys));
    if (work->keys == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < section->entry_count; i++)
        work->keys[i] = rule_key_find(section->entries[i].key);
    return 0;
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
        const struct match_type *type = work->keys[i].match;
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
        const struct action_type *type = work->keys[i].action;
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

static int add_observing(struct rule_work *work, const struct observe_key *key)
{
    for (size_t i = 0; i < work->section->entry_count; i++) {
        const struct entry *entry = &work->section->entries[i];

        if (work->keys[i].observe == key && *entry->value != '\0')
            return key->add(work, entry);
    }
    return 0;
}

static void fail_unknown(struct rule_work *work, const struct entry *entry)
{
    const char *home = setting_section_of(entry->key);
    struct text_guess guess = TEXT_GUESS(entry->key);

    rule_key_guess(&guess);
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

        if (!rule_key_exists(&work->keys[i]))
            fail_unknown(work, entry);
        else if (*entry->value == '\0')
            rule_work_fail(work, entry, "has no value: %s", rule_key_grammar(&work->keys[i]));
    }
}

static int build(struct rule_work *work, const char *name)
{
    int r = rule_init(&work->rule, name, work->section->file, work->section->line);

    if (r == 0)
        r = find_keys(work);
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
    /* What a capture is labelled with are the actions. */
    for (size_t i = 0; r == 0 && i < observe_key_count; i++)
        r = add_observing(work, &observe_keys[i]);
    return r;
}

static int build_matches(struct rule_work *work)
{
    int r = rule_init(&work->rule, "filter", "", 0);

    if (r == 0)
        r = find_keys(work);
    if (r < 0)
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
