/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sections are called. */
#include "section_name.h"

#include "rule_section.h"
#include "setting.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The NAME in "rule NAME", "" without one; the length of the word before it. */
static const char *split_name(const char *section_name, size_t *ret_kind_length)
{
    size_t kind_length = 0;

    while (section_name[kind_length] != '\0' && !text_is_blank(section_name[kind_length]))
        kind_length++;
    *ret_kind_length = kind_length;
    section_name += kind_length;
    while (text_is_blank(*section_name))
        section_name++;
    return section_name;
}

const char *section_name_of(const struct section *section, const char *kind)
{
    size_t kind_length;
    const char *name = split_name(section->name, &kind_length);

    if (kind_length != strlen(kind) || strncmp(section->name, kind, kind_length) != 0)
        return NULL;
    return name;
}

/* A label for the journal, metrics and tables: no character that any of them has to quote. */
static bool is_good_name(const char *name)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(name);

    return length >= 1 && length <= RULE_NAME_MAX && strspn(name, good) == length &&
           name[0] != '.' && name[0] != '-';
}

void section_name_report_unknown(const struct section *section, struct report *report)
{
    const struct place place = {.file = section->file, .line = section->line};
    size_t kind_length;
    char CLEANUP(cleanup_free) *kind = NULL;
    struct text_guess guess;

    split_name(section->name, &kind_length);
    kind = strndup(section->name, kind_length);
    guess = TEXT_GUESS(kind != NULL ? kind : "");
    for (size_t i = 0; i < SETTING_GROUPS; i++)
        text_guess_offer(&guess, setting_groups[i]->section);
    text_guess_offer(&guess, "rule");
    text_guess_offer(&guess, "set");
    if (guess.name != NULL)
        report_error(report, &place, "unknown section [%.60s]; did you mean [%s%s]?", section->name,
                     guess.name, setting_group_find(guess.name) == NULL ? " NAME" : "");
    else
        report_error(report, &place,
                     "unknown section [%.60s]: [main], [tun], [divert], [flows], [set NAME] or "
                     "[rule NAME]",
                     section->name);
}

bool section_name_check(const struct section *section, const char *kind, const char *name,
                        struct report *report)
{
    const struct place place = section_place(section);

    if (*name == '\0')
        report_error(report, &place, "a %s needs a name: [%s NAME]", kind, kind);
    else if (!is_good_name(name))
        report_error(report, &place,
                     "the name of a %s has 1 to %d letters, digits, '.', '_' and '-', and begins "
                     "with a letter, digit or '_'",
                     kind, RULE_NAME_MAX);
    else if (section->entry_count == 0)
        report_error(report, &place, "the %s is empty: give it %s", kind,
                     strcmp(kind, "rule") == 0 ? "a match or an action" : "elements");
    else
        return true;
    return false;
}

void section_names_normalise(struct document *document)
{
    for (size_t i = 0; i < document->section_count; i++) {
        char *section_name = document->sections[i].name;
        size_t kind_length;
        const char *name = split_name(section_name, &kind_length);

        if (*name == '\0')
            continue;
        section_name[kind_length] = ' ';
        memmove(section_name + kind_length + 1, name, strlen(name) + 1);
    }
}

static int compare_sections(const void *a, const void *b)
{
    const struct section *const *left = a;
    const struct section *const *right = b;
    int order = strcmp((*left)->name, (*right)->name);

    /* Within one name as in the files: the document's array is in that order. */
    return order != 0 ? order : (*left > *right) - (*left < *right);
}

/* Rules must not stand twice in all files together, [main], [tun], [divert] and [flows] not in one.
 */
static void report_duplicates(const struct section **sorted, size_t count, struct report *report)
{
    for (size_t i = 1; i < count && !report_is_full(report); i++) {
        const struct section *first = sorted[i - 1], *second = sorted[i];
        const struct place place = section_place(second);

        if (strcmp(first->name, second->name) != 0)
            continue;
        if (setting_group_find(second->name) != NULL && strcmp(first->file, second->file) != 0)
            continue;
        report_error(report, &place, "stands twice, first in %s:%u", first->file, first->line);
    }
}

/* Sorted, because a file may have many thousand rules. */
int section_names_check(const struct document *document, struct report *report)
{
    const struct section **sorted = calloc(document->section_count + 1, sizeof(struct section *));

    if (sorted == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < document->section_count; i++)
        sorted[i] = &document->sections[i];
    qsort(sorted, document->section_count, sizeof(struct section *), compare_sections);
    report_duplicates(sorted, document->section_count, report);
    free(sorted);
    return 0;
}
