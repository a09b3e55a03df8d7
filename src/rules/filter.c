/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From words to a filter, by the parsers of rule sections. */
#include "ipmodd/rules/filter.h"

#include "rule_key.h"
#include "rule_section.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Appends WORD as a key with its value. 0, -EINVAL with ERROR filled, or -ENOMEM. */
static int add_word(struct section *section, const char *word, struct value_error *error)
{
    const char *sign = strchr(word, '=');
    const char *value = sign != NULL ? sign + 1 : NULL;
    const char *end = sign;

    if (sign == NULL || sign == word)
        return value_refuse(error, "'%.60s' is no KEY=VALUE such as proto=tcp or dport=443", word);
    while (end > word && text_is_blank(end[-1]))
        end--;
    while (text_is_blank(*value))
        value++;
    return section_add_entry(section, strndup(word, (size_t)(end - word)), strdup(value), 0);
}

static int check_repeats(const struct section *section, struct value_error *error)
{
    for (size_t i = 0; i < section->entry_count; i++) {
        const char *key = section->entries[i].key;
        const struct match_type *type = match_type_find(key);

        if ((type == NULL || !type->repeats) &&
            section_find_entry(section, key) != &section->entries[i])
            return value_refuse(error, "%.40s is there twice", key);
    }
    return 0;
}

/* KEY is that of no match. */
static int refuse_key(const char *key, struct value_error *error)
{
    const struct rule_key found = rule_key_find(key);
    struct text_guess guess = TEXT_GUESS(key);

    if (rule_key_exists(&found))
        return value_refuse(error, "%.40s: is no match, and a filter has matches alone", key);
    for (size_t i = 0; i < match_type_count; i++)
        text_guess_offer(&guess, match_types[i]->key);
    if (guess.name != NULL)
        return value_refuse(error, "%.40s: unknown key; did you mean '%s'?", key, guess.name);
    return value_refuse(error, "%.40s: unknown key: ipmodd.conf(5) lists the matches", key);
}

/* What a filter cannot have, whatever the values of its matches. */
static int check_kinds(const struct section *section, const struct ruleset *ruleset,
                       struct value_error *error)
{
    for (size_t i = 0; i < section->entry_count; i++) {
        const struct entry *entry = &section->entries[i];
        const struct match_type *type = match_type_find(entry->key);

        if (type == NULL)
            return refuse_key(entry->key, error);
        if (type->bind != NULL && strchr(entry->value, '@') != NULL)
            return value_refuse(error, "%s: a filter has no sets: write out what %.60s has",
                                entry->key, entry->value);
        if (type->spends)
            return value_refuse(error,
                                "%s: would take from what rules count or draw; take a sample "
                                "instead",
                                entry->key);
        if (type->needs_flow && !ruleset->tracks_flows)
            return value_refuse(error, "%s: no flows are followed, because no rule asks for them",
                                entry->key);
    }
    return 0;
}

/* The first thing that is wrong, as a sentence. */
static int take_problem(const struct problems *problems, struct value_error *error)
{
    const struct problem *problem = &problems->items[0];

    if (problems->count == 0)
        return -ENOMEM;
    return value_refuse(error, "%s%s%s", problem->place.key != NULL ? problem->place.key : "",
                        problem->place.key != NULL ? ": " : "", problem->text);
}

static int build(const struct section *section, struct filter **ret_filter,
                 struct value_error *error)
{
    struct problems CLEANUP(problems_clear) problems = PROBLEMS_INIT;
    struct report report = {.problems = &problems};
    struct rule rule;
    int r = rule_section_build_matches(section, &report, &rule);

    if (r == -EINVAL)
        return take_problem(&problems, error);
    if (r < 0)
        return r;
    *ret_filter = filter_new(&rule);
    return *ret_filter != NULL ? 0 : -ENOMEM;
}

int filter_parse(char *const *words, size_t count, const struct ruleset *ruleset,
                 struct filter **ret_filter, struct value_error *error)
{
    struct document CLEANUP(document_clear) document = {.section_count = 0};
    struct section *section;
    int r = document_add_section(&document, "", "filter", 0);

    if (r < 0)
        return r;
    section = document_last_section(&document);
    for (size_t i = 0; i < count && r == 0; i++)
        r = add_word(section, words[i], error);
    if (r == 0)
        r = check_repeats(section, error);
    if (r == 0)
        r = check_kinds(section, ruleset, error);
    return r == 0 ? build(section, ret_filter, error) : r;
}
