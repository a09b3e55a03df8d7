/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [rule NAME]: from the text of one section to a rule of the ruleset. */
#include "rule_section.h"

#include "capture_value.h"
#include "later.h"
#include "log_value.h"
#include "narrowing.h"
#include "rule_lint.h"
#include "rule_reach.h"
#include "setting.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* One section being built. */
struct work {
    const struct section *section;
    struct report *report;
    const struct ruleset *ruleset; /* the rules before this one, and all sets */
    struct rule rule;
    struct narrowing narrowing;
    bool failed; /* something was reported */
};

static void work_clear(struct work *work)
{
    rule_clear(&work->rule);
}

static PRINTF_LIKE(3, 4) void fail(struct work *work, const struct entry *entry, const char *format,
                                   ...)
{
    const struct place place = entry_place(work->section, entry);
    char text[384];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    report_error(work->report, &place, "%s", text);
    work->failed = true;
}

/* Takes from the scope what ENTRY's value cannot apply to, and reports when nothing is left. */
static void narrow(struct work *work, const struct entry *entry, narrow_fn *take, const void *value)
{
    const struct entry *opponent;

    if (take == NULL || narrowing_take(&work->narrowing, entry, take, value, &opponent))
        return;
    if (opponent != NULL && opponent->line == 0)
        fail(work, entry, "contradicts %s = %.60s: no packet fits both", opponent->key,
             opponent->value);
    else if (opponent != NULL)
        fail(work, entry, "contradicts %s = %.60s in line %u: no packet fits both", opponent->key,
             opponent->value, opponent->line);
    else
        fail(work, entry, "no packet fits this together with the other keys of the rule");
}

/* What a parser returned: reports a refusal; 0 or -ENOMEM. */
static int take_refusal(struct work *work, const struct entry *entry, int r,
                        const struct value_error *error)
{
    if (r != -EINVAL)
        return r;
    fail(work, entry, "%s", error->text);
    return 0;
}

static int add_match(struct work *work, const struct entry *entry, const struct match_type *type)
{
    struct value_error error;
    void *value;
    int r = type->parse(entry->value, &work->narrowing.scope, &value, &error);

    if (r < 0)
        return take_refusal(work, entry, r, &error);
    r = rule_add_match(&work->rule, type, value);
    if (r == 0 && type->bind != NULL && type->bind(value, &work->ruleset->sets, &error) < 0)
        return take_refusal(work, entry, -EINVAL, &error);
    if (r == 0)
        narrow(work, entry, type->narrow, value);
    return r;
}

static int add_action(struct work *work, const struct entry *entry, const struct action_type *type)
{
    struct value_error error;
    void *value;
    int r = type->parse(entry->value, &work->narrowing.scope, &value, &error);

    if (r < 0)
        return take_refusal(work, entry, r, &error);
    r = rule_add_action(&work->rule, type, value);
    if (r == 0)
        narrow(work, entry, type->narrow, value);
    return r;
}

/* The matches that are parsed early, or those that are parsed late. */
static int add_matches(struct work *work, bool late)
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
static int add_actions(struct work *work, bool decides)
{
    const struct entry *first = NULL;

    for (size_t i = 0; i < work->section->entry_count; i++) {
        const struct entry *entry = &work->section->entries[i];
        const struct action_type *type = action_type_find(entry->key);
        int r;

        if (type == NULL || type->decides != decides || *entry->value == '\0')
            continue;
        if (decides && first != NULL) {
            fail(work, entry, "the rule decides already with %s in line %u: keep one of them",
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

static int add_log(struct work *work, const struct entry *entry)
{
    struct value_error error;
    int r = log_value_parse(entry->value, &work->rule.logs, &work->rule.log, &error);

    return take_refusal(work, entry, r, &error);
}

/* Rules that write to the same files have to agree about them. */
static void check_shared_capture(struct work *work, const struct entry *entry)
{
    const struct rule_capture *capture = work->rule.capture;

    for (size_t i = 0; i < work->ruleset->rule_count; i++) {
        const struct rule *rule = &work->ruleset->rules[i];

        if (rule->capture == NULL || strcmp(rule->capture->name, capture->name) != 0)
            continue;
        if (rule->capture->file_size != capture->file_size ||
            rule->capture->files != capture->files)
            fail(work, entry, "rule %s captures to '%s' with another size or number of files",
                 rule->name, capture->name);
        return;
    }
}

/* "rule voice: set-dscp = ef, set-ttl = 9": what copies of packets are labelled with. */
static char *print_what(const struct rule *rule)
{
    char *what = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&what, &length);

    if (out == NULL)
        return NULL;
    fprintf(out, "rule %s%s", rule->name, rule->action_count > 0 ? ": " : "");
    rule_print_actions(rule, out);
    if (fclose(out) == 0)
        return what;
    free(what);
    return NULL;
}

static int add_capture(struct work *work, const struct entry *entry)
{
    struct value_error error;
    int r = capture_value_parse(entry->value, &work->rule.capture, &error);

    if (r < 0)
        return take_refusal(work, entry, r, &error);
    check_shared_capture(work, entry);
    work->rule.capture->what = print_what(&work->rule);
    return work->rule.capture->what != NULL ? 0 : -ENOMEM;
}

/* Keys that are neither matches nor actions; they are read last. */
static const struct own_key {
    const char *key;
    const char *grammar;
    int (*add)(struct work *work, const struct entry *entry);
} own_keys[] = {
    {"log", log_value_grammar, add_log},
    {"capture", capture_value_grammar, add_capture},
};

static const struct own_key *find_own_key(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(own_keys); i++) {
        if (strcmp(own_keys[i].key, key) == 0)
            return &own_keys[i];
    }
    return NULL;
}

const char *rule_section_own_key(size_t i)
{
    return i < ARRAY_SIZE(own_keys) ? own_keys[i].key : NULL;
}

static int add_own_keys(struct work *work)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(own_keys); i++) {
        const struct entry *entry = section_find_entry(work->section, own_keys[i].key);

        if (entry != NULL && *entry->value != '\0')
            r = own_keys[i].add(work, entry);
    }
    return r;
}

bool rule_section_has_key(const char *key)
{
    return match_type_find(key) != NULL || action_type_find(key) != NULL ||
           find_own_key(key) != NULL;
}

/* What a value of KEY looks like. */
static const char *grammar_of(const char *key)
{
    const struct match_type *match = match_type_find(key);
    const struct action_type *action = action_type_find(key);

    if (match != NULL)
        return match->grammar;
    return action != NULL ? action->grammar : find_own_key(key)->grammar;
}

static void fail_unknown(struct work *work, const struct entry *entry)
{
    const char *home = setting_section_of(entry->key);
    struct text_guess guess = TEXT_GUESS(entry->key);

    for (size_t i = 0; i < match_type_count; i++)
        text_guess_offer(&guess, match_types[i]->key);
    for (size_t i = 0; i < action_type_count; i++)
        text_guess_offer(&guess, action_types[i]->key);
    for (size_t i = 0; i < ARRAY_SIZE(own_keys); i++)
        text_guess_offer(&guess, own_keys[i].key);
    if (later_has_key("rule", entry->key))
        fail(work, entry, "is not in this version yet: leave it out");
    else if (home != NULL)
        fail(work, entry, "is a key of [%s], not of a rule", home);
    else if (guess.name != NULL)
        fail(work, entry, "unknown key; did you mean '%s'?", guess.name);
    else
        fail(work, entry, "unknown key: ipmodd.conf(5) lists the matches and actions");
}

/* Keys that do not exist, and keys without a value. */
static void check_keys(struct work *work)
{
    for (size_t i = 0; i < work->section->entry_count; i++) {
        const struct entry *entry = &work->section->entries[i];

        if (!rule_section_has_key(entry->key))
            fail_unknown(work, entry);
        else if (*entry->value == '\0')
            fail(work, entry, "has no value: %s", grammar_of(entry->key));
    }
}

static int build(struct work *work, const char *name)
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
    return r == 0 ? add_own_keys(work) : r;
}

static int build_matches(struct work *work)
{
    int r = rule_init(&work->rule, "filter", "", 0);

    for (size_t i = 0; r == 0 && i < work->section->entry_count; i++) {
        const struct entry *entry = &work->section->entries[i];

        if (action_type_find(entry->key) != NULL || find_own_key(entry->key) != NULL)
            fail(work, entry, "is no match, and a filter has matches alone");
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
    struct work CLEANUP(work_clear) work = {
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
    struct work CLEANUP(work_clear) work = {.section = section,
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
