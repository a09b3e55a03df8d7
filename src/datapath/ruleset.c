/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life time of rules and their containers. */
#include "ipmodd/datapath/ruleset.h"

#include "classifier/classifier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct ruleset *ruleset_new(enum policy policy, enum malformed_policy malformed)
{
    struct ruleset *ruleset = calloc(1, sizeof(*ruleset));

    if (ruleset == NULL)
        return NULL;
    ruleset->policy = policy;
    ruleset->malformed = malformed;
    ruleset->flows = flow_limits_default();
    return ruleset;
}

/* Whether an array of COUNT items that grows by doubling is full: at 0 and at powers of two. */
static bool is_full(size_t count)
{
    return (count & (count - 1)) == 0;
}

/* Room for one item more in *ARRAY of COUNT items. 0, or -ENOMEM with the array as it was. */
static int grow(void **array, size_t count, size_t item_size)
{
    void *grown;

    if (!is_full(count))
        return 0;
    grown = reallocarray(*array, count == 0 ? 1 : 2 * count, item_size);
    if (grown == NULL)
        return -ENOMEM;
    *array = grown;
    return 0;
}

static bool rule_has_action(const struct rule *rule, const char *key)
{
    for (size_t i = 0; i < rule->action_count; i++) {
        if (strcmp(rule->actions[i].type->key, key) == 0)
            return true;
    }
    return false;
}

int ruleset_add(struct ruleset *ruleset, struct rule *rule)
{
    void *rules = ruleset->rules;

    if (grow(&rules, ruleset->rule_count, sizeof(*rule)) < 0) {
        rule_clear(rule);
        return -ENOMEM;
    }
    rule->is_watched = rule->logs || rule->capture != NULL;
    for (size_t i = 0; i < rule->match_count; i++) {
        const struct match_type *type = rule->matches[i].type;

        if (type->state_new != NULL)
            rule->matches[i].state = ruleset->match_state_count++;
        ruleset->reads_upper_layer |= type->needs_header || type->follows || type->needs_flow;
        ruleset->tracks_flows |= type->needs_flow;
    }
    for (size_t i = 0; i < rule->action_count; i++) {
        ruleset->reads_upper_layer |= rule->actions[i].type->needs_flow;
        ruleset->tracks_flows |= rule->actions[i].type->needs_flow;
    }
    ruleset->shares_addresses |= rule_has_action(rule, "snat") ||
                                 rule_has_action(rule, "masquerade");
    ruleset->rules = rules;
    ruleset->rules[ruleset->rule_count++] = *rule;
    *rule = (struct rule){.name = NULL};
    return 0;
}

bool ruleset_has_action(const struct ruleset *ruleset, const char *key)
{
    for (size_t i = 0; i < ruleset->rule_count; i++) {
        if (rule_has_action(&ruleset->rules[i], key))
            return true;
    }
    return false;
}

int ruleset_finish(struct ruleset *ruleset, const atomic_bool *cancel)
{
    if (ruleset->rule_count < CLASSIFIER_RULES_MIN || ruleset->rule_count > CLASSIFIER_RULES_MAX)
        return 0;
    return classifier_new(ruleset, cancel, &ruleset->classifier);
}

/* A hash, as flows keep a number for longer than there is a rule; that two names share one harms
 * nothing but a list of flows. */
static uint32_t identity_of(const char *name)
{
    uint32_t hash = (uint32_t)XXH3_64bits(name, strlen(name));

    return hash != 0 ? hash : 1;
}

int rule_init(struct rule *rule, const char *name, const char *file, unsigned line)
{
    *rule = (struct rule){
        .identity = identity_of(name), .name = strdup(name), .file = strdup(file), .line = line};
    if (rule->name == NULL || rule->file == NULL) {
        rule_clear(rule);
        return -ENOMEM;
    }
    return 0;
}

/* Matches of a lower turn are asked before those of a higher one. */
static unsigned turn_of(const struct match_type *type)
{
    return type->spends ? 2 : type->varies;
}

int rule_add_match(struct rule *rule, const struct match_type *type, void *value)
{
    void *matches = rule->matches;
    size_t place;

    if (grow(&matches, rule->match_count, sizeof(*rule->matches)) < 0) {
        type->free(value);
        return -ENOMEM;
    }
    rule->matches = matches;
    place = rule->match_count++;
    while (place > 0 && turn_of(rule->matches[place - 1].type) > turn_of(type)) {
        rule->matches[place] = rule->matches[place - 1];
        place--;
    }
    rule->matches[place] = (struct rule_match){.type = type, .value = value};
    return 0;
}

/* In the order written, but nothing behind an action that decides. */
int rule_add_action(struct rule *rule, const struct action_type *type, void *value)
{
    void *actions = rule->actions;
    struct rule_action *last;

    if (grow(&actions, rule->action_count, sizeof(*rule->actions)) < 0) {
        type->free(value);
        return -ENOMEM;
    }
    rule->actions = actions;
    last = &rule->actions[rule->action_count++];
    *last = (struct rule_action){.type = type, .value = value};
    if (rule->action_count > 1 && last[-1].type->decides) {
        struct rule_action deciding = last[-1];

        last[-1] = *last;
        *last = deciding;
    }
    return 0;
}

void rule_print_actions(const struct rule *rule, FILE *out)
{
    for (size_t i = 0; i < rule->action_count; i++) {
        fprintf(out, "%s%s = ", i == 0 ? "" : ", ", rule->actions[i].type->key);
        rule->actions[i].type->print(rule->actions[i].value, out);
    }
}

void rule_clear(struct rule *rule)
{
    for (size_t i = 0; i < rule->match_count; i++)
        rule->matches[i].type->free(rule->matches[i].value);
    for (size_t i = 0; i < rule->action_count; i++)
        rule->actions[i].type->free(rule->actions[i].value);
    rule_capture_free(rule->capture);
    free(rule->matches);
    free(rule->actions);
    free(rule->name);
    free(rule->file);
    *rule = (struct rule){.name = NULL};
}

void ruleset_free(struct ruleset *ruleset)
{
    if (ruleset == NULL)
        return;
    for (size_t i = 0; i < ruleset->rule_count; i++)
        rule_clear(&ruleset->rules[i]);
    free(ruleset->rules);
    classifier_free(ruleset->classifier);
    set_list_clear(&ruleset->sets);
    free(ruleset);
}
