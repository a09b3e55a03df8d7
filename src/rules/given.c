/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts of a configuration, collected from its files. */
#include "ipmodd/rules/given.h"

#include "file_text.h"
#include "ini_source.h"
#include "search.h"
#include "section_name.h"
#include "set_section.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

const char *const given_kind_names[] = {[GIVEN_CONFIG] = "config", [GIVEN_ELEMENTS] = "elements"};
static_assert(ARRAY_SIZE(given_kind_names) == GIVEN_KIND_COUNT, "a name for each kind");

void given_clear(struct given *given)
{
    for (size_t i = 0; i < given->count; i++) {
        free(given->items[i].name);
        free(given->items[i].text);
    }
    free(given->items);
    *given = (struct given){.items = NULL};
}

int given_add(struct given *given, enum given_kind kind, const char *name, const char *text)
{
    struct given_text *items = reallocarray(given->items, given->count + 1, sizeof(*items));
    struct given_text item = {.kind = kind, .name = strdup(name), .text = strdup(text)};

    if (items != NULL)
        given->items = items;
    if (items == NULL || item.name == NULL || item.text == NULL) {
        free(item.name);
        free(item.text);
        return -ENOMEM;
    }
    items[given->count++] = item;
    return 0;
}

const char *given_find(const struct given *given, enum given_kind kind, const char *name)
{
    for (size_t i = 0; i < given->count; i++) {
        if (given->items[i].kind == kind && strcmp(given->items[i].name, name) == 0)
            return given->items[i].text;
    }
    return NULL;
}

/* What the sets of the configuration file NAME with TEXT read. */
static int collect_elements(const char *name, const char *text, struct report *report,
                            struct given *given)
{
    struct problems CLEANUP(problems_clear) unheard = PROBLEMS_INIT; /* for who loads it */
    struct report aside = {.problems = &unheard};
    struct document CLEANUP(document_clear) document = {.sections = NULL};
    int r = ini_source_parse(name, text, &document, &aside);

    for (size_t i = 0; r == 0 && i < document.section_count; i++) {
        if (section_name_of(&document.sections[i], "set") != NULL)
            r = set_section_collect(&document.sections[i], report, given);
    }
    return r;
}

static int collect_file(const char *path, struct report *report, struct given *given)
{
    char CLEANUP(cleanup_free) *text = NULL;
    int r = file_text_read(path, report, &text);

    if (r < 0)
        return r == -EINVAL ? 0 : r;
    r = given_add(given, GIVEN_CONFIG, path, text);
    return r < 0 ? r : collect_elements(path, text, report, given);
}

int given_collect(const char *file, struct problems *problems, struct given *ret_given)
{
    struct report report = {.problems = problems};
    struct file_list CLEANUP(file_list_clear) files = {.paths = NULL};
    struct given CLEANUP(given_clear) given = {.items = NULL};
    int r = file != NULL ? search_given(file, &report, &files) : search_below("", &report, &files);

    for (size_t i = 0; r == 0 && i < files.count; i++)
        r = collect_file(files.paths[i], &report, &given);
    if (r == 0 && (report_has_errors(&report) || problems->out_of_memory))
        r = problems->out_of_memory ? -ENOMEM : -EINVAL;
    if (r < 0)
        return r;
    *ret_given = given;
    given = (struct given){.items = NULL};
    return 0;
}
