/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From configuration files to a struct config and a ruleset. */
#include "ini_source.h"
#include "load_below.h"
#include "rule_lint.h"
#include "rule_section.h"
#include "search.h"
#include "section_name.h"
#include "set_section.h"
#include "setting.h"

#include "ipmodd/base/macro.h"

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
    section_names_normalise(&loading->document);
    return section_names_check(&loading->document, &loading->report);
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
        const char *name = section_name_of(section, "set");
        int r = 0;

        if (name != NULL && section_name_check(section, "set", name, &loading->report))
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
        const char *name = section_name_of(section, "rule");
        int r = 0;

        if (name != NULL && section_name_check(section, "rule", name, &loading->report))
            r = rule_section_build(section, name, &loading->loaded, &loading->report);
        else if (name == NULL && section_name_of(section, "set") == NULL &&
                 setting_group_find(section->name) == NULL)
            section_name_report_unknown(section, &loading->report);
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
        rule_lint_list(loading->loaded.ruleset, &loading->loaded.config->divert, &loading->report);
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

/* REPORT: how, to begin with. */
static int search_and_load(const char *file, const struct report *report, struct loaded *ret_loaded)
{
    struct loading CLEANUP(loading_clear) loading = {.report = *report};
    struct file_list CLEANUP(file_list_clear) files = {.paths = NULL};
    int r;

    if (file != NULL)
        r = search_given(file, &loading.report, &files);
    else
        r = search_below("", &loading.report, &files);
    return r < 0 ? r : load_files(&loading, &files, ret_loaded);
}

int load_configuration_until(const char *file, const atomic_bool *cancel, struct problems *problems,
                             struct loaded *ret_loaded)
{
    const struct report report = {.problems = problems, .cancel = cancel};

    return search_and_load(file, &report, ret_loaded);
}

int load_configuration(const char *file, struct problems *problems, struct loaded *ret_loaded)
{
    return load_configuration_until(file, NULL, problems, ret_loaded);
}

int load_configuration_to_try(const char *file, struct problems *problems,
                              struct loaded *ret_loaded)
{
    const struct report report = {.problems = problems, .is_trial = true};

    return search_and_load(file, &report, ret_loaded);
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
