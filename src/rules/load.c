/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From configuration files to a struct config and a ruleset. */
#include "ini_source.h"
#include "load_below.h"
#include "rule_lint.h"
#include "rule_section.h"
#include "search.h"
#include "set_section.h"
#include "setting.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <string.h>

/* What is being built; all of it goes to the caller or is freed. */
struct loading {
    const struct given *given; /* instead of files; NULL: these are read */
    struct report report;
    struct document document;
    struct loaded loaded;
};

static void loading_clear(struct loading *loading)
{
    document_clear(&loading->document);
    loaded_clear(&loading->loaded);
}

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

/* The NAME of [KIND NAME]; NULL for another section. */
static const char *name_of(const struct section *section, const char *kind)
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

static void report_unknown_section(const struct section *section, struct report *report)
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

/* Whether SECTION, a KIND called NAME, is worth building. */
static bool check_named_section(const struct section *section, const char *kind, const char *name,
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
static int check_duplicates(struct loading *loading)
{
    const struct document *document = &loading->document;
    const struct section **sorted = calloc(document->section_count + 1, sizeof(struct section *));

    if (sorted == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < document->section_count; i++)
        sorted[i] = &document->sections[i];
    qsort(sorted, document->section_count, sizeof(struct section *), compare_sections);
    report_duplicates(sorted, document->section_count, &loading->report);
    free(sorted);
    return 0;
}

/* "rule" and one blank in front of a name, so that two spellings of a section compare as equal. */
static void normalise_section_names(struct document *document)
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

static int read_file(struct loading *loading, const char *path)
{
    if (loading->given == NULL)
        return ini_source_read(path, &loading->document, &loading->report);
    return ini_source_parse(path, given_find(loading->given, GIVEN_CONFIG, path),
                            &loading->document, &loading->report);
}

static int read_files(struct loading *loading, const struct file_list *files)
{
    const struct place place = {.file = files->paths[0]};

    for (size_t i = 0; i < files->count; i++) {
        int r = read_file(loading, files->paths[i]);

        if (r < 0)
            return r;
    }
    if (is_cancelled(loading->report.cancel))
        return -ECANCELED;
    if (loading->document.section_count == 0 && !report_has_errors(&loading->report))
        report_error(&loading->report, &place,
                     "is empty: a configuration has at least one section, [main] or [rule NAME]");
    normalise_section_names(&loading->document);
    return check_duplicates(loading);
}

static int build_config(struct loading *loading)
{
    const struct document *document = &loading->document;
    struct config *config = config_new();

    loading->loaded.config = config;
    if (config == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < document->section_count && !report_is_full(&loading->report); i++) {
        const struct section *section = &document->sections[i];
        const struct setting_group *group = setting_group_find(section->name);
        int r = 0;

        if (group != NULL)
            r = setting_apply_section(group, section, config, &loading->report);
        if (r < 0)
            return r;
    }
    setting_check(config, document, &loading->report);
    return 0;
}

static int build_sets(struct loading *loading)
{
    const struct document *document = &loading->document;

    for (size_t i = 0; i < document->section_count && !report_is_full(&loading->report); i++) {
        const struct section *section = &document->sections[i];
        const char *name = name_of(section, "set");
        int r = 0;

        if (name != NULL && check_named_section(section, "set", name, &loading->report))
            r = set_section_build(section, name, loading->given, loading->loaded.ruleset,
                                  &loading->report);
        if (r < 0)
            return r;
    }
    return 0;
}

static int build_rules(struct loading *loading)
{
    const struct document *document = &loading->document;

    for (size_t i = 0; i < document->section_count && !report_is_full(&loading->report); i++) {
        const struct section *section = &document->sections[i];
        const char *name = name_of(section, "rule");
        int r = 0;

        if (name != NULL && check_named_section(section, "rule", name, &loading->report))
            r = rule_section_build(section, name, &loading->loaded, &loading->report);
        else if (name == NULL && name_of(section, "set") == NULL &&
                 setting_group_find(section->name) == NULL)
            report_unknown_section(section, &loading->report);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Of as many tables as there are queues, each has its part. */
static uint32_t flows_of_a_queue(const struct config *config)
{
    return MAX_OF(config->flows.max / config->tun.queues, (uint32_t)FLOWS_MIN);
}

/* Sets before rules, wherever they stand: rules name them. */
static int build_ruleset(struct loading *loading)
{
    const struct config_main *policies = &loading->loaded.config->main;
    int r;

    loading->loaded.ruleset = ruleset_new(policies->policy, policies->malformed);
    if (loading->loaded.ruleset == NULL)
        return -ENOMEM;
    loading->loaded.ruleset->flows = loading->loaded.config->flows;
    loading->loaded.ruleset->flows.max = flows_of_a_queue(loading->loaded.config);
    r = build_sets(loading);
    return r < 0 ? r : build_rules(loading);
}

/* Everything behind the search for FILES, which go to the caller with the rest. */
static int load_files(struct loading *loading, struct file_list *files, struct loaded *ret_loaded)
{
    int r = read_files(loading, files);

    if (r == 0)
        r = build_config(loading);
    if (r == 0)
        r = build_ruleset(loading);
    if (r == 0 && is_cancelled(loading->report.cancel))
        r = -ECANCELED;
    if (r == 0 && !report_has_errors(&loading->report)) {
        rule_lint_list(loading->loaded.ruleset, &loading->report);
        rule_lint_translations(&loading->document, loading->loaded.config, loading->loaded.ruleset,
                               &loading->report);
    }
    report_finish(&loading->report);
    if (r < 0)
        return r;
    if (loading->report.problems->out_of_memory)
        return -ENOMEM;
    if (report_has_errors(&loading->report))
        return -EINVAL;
    r = ruleset_finish(loading->loaded.ruleset, loading->report.cancel);
    if (r < 0)
        return r;
    loading->loaded.config->divert.masquerades =
        ruleset_has_action(loading->loaded.ruleset, "masquerade") ||
        ruleset_has_action(loading->loaded.ruleset, "redirect");
    loading->loaded.files = *files;
    *files = (struct file_list){.paths = NULL};
    *ret_loaded = loading->loaded;
    loading->loaded = (struct loaded){.config = NULL};
    return 0;
}

int load_configuration(const char *file, struct problems *problems, struct loaded *ret_loaded)
{
    return load_configuration_until(file, NULL, problems, ret_loaded);
}

int load_configuration_until(const char *file, const atomic_bool *cancel, struct problems *problems,
                             struct loaded *ret_loaded)
{
    struct loading CLEANUP(loading_clear)
        loading = {.report = {.problems = problems, .cancel = cancel}};
    struct file_list CLEANUP(file_list_clear) files = {.paths = NULL};
    int r;

    if (file != NULL)
        r = search_given(file, &loading.report, &files);
    else
        r = search_below("", &loading.report, &files);
    return r < 0 ? r : load_files(&loading, &files, ret_loaded);
}

/* The names of the configuration files among what is given. */
static int list_given(const struct given *given, struct report *report, struct file_list *ret_files)
{
    const struct place nowhere = {.file = NULL};
    struct file_list files = {.paths = calloc(given->count + 1, sizeof(*files.paths))};

    if (files.paths == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < given->count; i++) {
        if (given->items[i].kind != GIVEN_CONFIG)
            continue;
        files.paths[files.count] = strdup(given->items[i].name);
        if (files.paths[files.count++] == NULL) {
            file_list_clear(&files);
            return -ENOMEM;
        }
    }
    if (files.count == 0) {
        report_error(report, &nowhere, "no configuration file was given");
        file_list_clear(&files);
        return -EINVAL;
    }
    *ret_files = files;
    return 0;
}

int given_load(const struct given *given, const atomic_bool *cancel, struct problems *problems,
               struct loaded *ret_loaded)
{
    struct loading CLEANUP(loading_clear)
        loading = {.given = given, .report = {.problems = problems, .cancel = cancel}};
    struct file_list CLEANUP(file_list_clear) files = {.paths = NULL};
    int r = list_given(given, &loading.report, &files);

    return r < 0 ? r : load_files(&loading, &files, ret_loaded);
}

int load_configuration_below(const char *root, struct problems *problems, struct loaded *ret_loaded)
{
    struct loading CLEANUP(loading_clear) loading = {.report = {.problems = problems}};
    struct file_list CLEANUP(file_list_clear) files = {.paths = NULL};
    int r = search_below(root, &loading.report, &files);

    return r < 0 ? r : load_files(&loading, &files, ret_loaded);
}

void loaded_clear(struct loaded *loaded)
{
    config_free(TAKE_PTR(loaded->config));
    ruleset_free(TAKE_PTR(loaded->ruleset));
    file_list_clear(&loaded->files);
}
