/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with a configuration, and what it would change. */
#include "documents.h"

#include "ipmodd/base/json.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/rules/compare.h"

#include <assert.h>

/* Names in each list of changes; more than these are counted. */
enum { NAMES_MAX = 256 };

static const char *const severity_names[] = {
    [PROBLEM_ERROR] = "error",
    [PROBLEM_WARNING] = "warning",
};
static_assert(ARRAY_SIZE(severity_names) == PROBLEM_SEVERITY_COUNT, "a name for each severity");

static const char *const change_names[] = {
    [CHANGE_ADDED] = "added",
    [CHANGE_REMOVED] = "removed",
    [CHANGE_CHANGED] = "changed",
};
static_assert(ARRAY_SIZE(change_names) == CHANGE_COUNT, "a name for each change");

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL)
        json_object_set_new(object, key, json_text(text));
}

static json_t *make_problem(const struct problem *problem)
{
    const struct place *place = &problem->place;
    json_t *object = json_pack("{s:s}", "severity", severity_names[problem->severity]);

    set_text(object, "file", place->file);
    if (place->line != 0)
        json_object_set_new(object, "line", json_integer(place->line));
    set_text(object, "section", place->section);
    set_text(object, "key", place->key);
    set_text(object, "text", problem->text);
    return object;
}

static json_t *make_problems(const struct problems *problems)
{
    json_t *array = json_array();

    for (size_t i = 0; i < problems->count; i++)
        json_array_append_new(array, make_problem(&problems->items[i]));
    return array;
}

/* Of OBJECTS ("rules"): a list for each change. */
static void add_name(json_t *objects, enum change change, const char *name)
{
    json_t *list = json_object_get(objects, change_names[change]);
    const json_t *left_out = json_object_get(objects, "left_out");

    if (list == NULL) {
        list = json_array();
        json_object_set_new(objects, change_names[change], list);
    }
    if (json_array_size(list) < NAMES_MAX)
        json_array_append_new(list, json_string(name));
    else
        json_object_set_new(objects, "left_out", json_integer(json_integer_value(left_out) + 1));
}

static void take_rule(void *context, enum change change, const char *name)
{
    add_name(json_object_get(context, "rules"), change, name);
}

static void take_set(void *context, enum change change, const char *name)
{
    add_name(json_object_get(context, "sets"), change, name);
}

static void take_setting(void *context, const char *section, const char *key, const char *before,
                         const char *after)
{
    json_t *setting = json_pack("{s:s, s:s}", "section", section, "key", key);

    set_text(setting, "before", before);
    set_text(setting, "after", after);
    json_array_append_new(json_object_get(context, "settings"), setting);
}

static void take_order(void *context)
{
    json_object_set_new(json_object_get(context, "rules"), "reordered", json_true());
}

static json_t *make_changes(const struct loaded *present, const struct loaded *wanted)
{
    json_t *changes = json_pack("{s:{}, s:{}, s:[]}", "rules", "sets", "settings");
    const struct compare_listener listener = {
        .context = changes,
        .rule = take_rule,
        .set = take_set,
        .setting = take_setting,
        .order = take_order,
    };

    if (changes != NULL && compare_configurations(present, wanted, &listener) == 0)
        return changes;
    json_decref(changes);
    return NULL;
}

json_t *document_checked(const struct problems *problems, const struct loaded *present,
                         const struct loaded *wanted, const char *refusal)
{
    json_t *document =
        json_pack("{s:b, s:o}", "good", wanted != NULL, "problems", make_problems(problems));

    if (document == NULL || wanted == NULL)
        return document;
    json_object_set_new(document, "rules", json_uint(wanted->ruleset->rule_count));
    json_object_set_new(document, "changes", make_changes(present, wanted));
    set_text(document, "refusal", refusal);
    return document;
}
