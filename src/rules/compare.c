/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two configurations side by side, by names and by what was written. */
#include "ipmodd/rules/compare.h"

#include "setting.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A rule or set as it is compared. */
struct item {
    const char *name;
    uint64_t digest;
    size_t number; /* its place among the others */
};

static struct item rule_item(const struct ruleset *ruleset, size_t i)
{
    return (struct item){ruleset->rules[i].name, ruleset->rules[i].digest, i};
}

static struct item set_item(const struct ruleset *ruleset, size_t i)
{
    const struct set *set = ruleset->sets.items[i];

    return (struct item){set_name(set), set_digest(set), i};
}

static int compare_items(const void *a, const void *b)
{
    const struct item *left = a, *right = b;

    return strcmp(left->name, right->name);
}

/* COUNT items of RULESET, sorted by name; NULL without memory. */
static struct item *sort_items(const struct ruleset *ruleset, size_t count,
                               struct item (*get)(const struct ruleset *ruleset, size_t i))
{
    struct item *items = calloc(count + 1, sizeof(*items));

    for (size_t i = 0; items != NULL && i < count; i++)
        items[i] = get(ruleset, i);
    if (items != NULL)
        qsort(items, count, sizeof(*items), compare_items);
    return items;
}

/* One kind of things of both configurations, to be told one by one. */
struct pair {
    const struct ruleset *before, *after;
    size_t before_count, after_count;
    struct item (*get)(const struct ruleset *ruleset, size_t i);
    void (*tell)(void *context, enum change change, const char *name);
    void *context;
};

/* In the order of AFTER. Whether what is in both stands in the same order. */
static bool tell_added_and_changed(const struct pair *pair, const struct item *before)
{
    bool same_order = true;
    size_t last = 0;

    for (size_t i = 0; i < pair->after_count; i++) {
        const struct item item = pair->get(pair->after, i);
        const struct item *old =
            bsearch(&item, before, pair->before_count, sizeof(*before), compare_items);

        if (old == NULL) {
            pair->tell(pair->context, CHANGE_ADDED, item.name);
            continue;
        }
        if (old->digest != item.digest)
            pair->tell(pair->context, CHANGE_CHANGED, item.name);
        same_order = same_order && old->number >= last;
        last = old->number;
    }
    return same_order;
}

static void tell_removed(const struct pair *pair, const struct item *after)
{
    for (size_t i = 0; i < pair->before_count; i++) {
        const struct item item = pair->get(pair->before, i);

        if (bsearch(&item, after, pair->after_count, sizeof(*after), compare_items) == NULL)
            pair->tell(pair->context, CHANGE_REMOVED, item.name);
    }
}

static int compare_pair(const struct pair *pair, bool *ret_same_order)
{
    struct item CLEANUP(cleanup_free) *before =
        sort_items(pair->before, pair->before_count, pair->get);
    struct item CLEANUP(cleanup_free) *after =
        sort_items(pair->after, pair->after_count, pair->get);

    if (before == NULL || after == NULL)
        return -ENOMEM;
    *ret_same_order = tell_added_and_changed(pair, before);
    tell_removed(pair, after);
    return 0;
}

/* What the dump of CONFIG has for SETTING; NULL without memory. */
static char *value_of(const struct setting *setting, const struct config *config)
{
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);

    if (out == NULL)
        return NULL;
    setting->print(config, out);
    return text_stream_take(&stream);
}

static int compare_group(const struct setting_group *group, const struct loaded *before,
                         const struct loaded *after, const struct compare_listener *listener)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct setting *setting = &group->settings[i];
        char CLEANUP(cleanup_free) *old = value_of(setting, before->config);
        char CLEANUP(cleanup_free) *new = value_of(setting, after->config);

        if (old == NULL || new == NULL)
            return -ENOMEM;
        if (strcmp(old, new) != 0)
            listener->setting(listener->context, group->section, setting->key, old, new);
    }
    return 0;
}

int compare_configurations(const struct loaded *before, const struct loaded *after,
                           const struct compare_listener *listener)
{
    const struct ruleset *old = before->ruleset, *new = after->ruleset;
    const struct pair rules = {
        old, new, old->rule_count, new->rule_count, rule_item, listener->rule, listener->context};
    const struct pair sets = {old,      new,           old->sets.count,  new->sets.count,
                              set_item, listener->set, listener->context};
    bool same_order, any_order;
    int r = 0;

    for (size_t i = 0; r == 0 && i < SETTING_GROUPS; i++)
        r = compare_group(setting_groups[i], before, after, listener);
    if (r == 0)
        r = compare_pair(&sets, &any_order);
    if (r == 0)
        r = compare_pair(&rules, &same_order);
    if (r == 0 && !same_order)
        listener->order(listener->context);
    return r;
}
