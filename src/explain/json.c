/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explanations for programs. */
#include "ipmodd/explain/json.h"

#include "ipmodd/base/json.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/base/text_stream.h"

static json_t *make_changes(const struct changes *changes)
{
    json_t *array = json_array();

    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->items[i];

        json_array_append_new(array, json_pack("{s:s, s:s?, s:s?}", "field", change->name, "before",
                                               change->before, "after", change->after));
    }
    return array;
}

/* "KEY = VALUE" as an object. */
static json_t *make_pair(const char *key, void (*print)(const void *value, FILE *out),
                         const void *value)
{
    char CLEANUP(cleanup_free) *text = text_stream_print(print, value);

    return text != NULL ? json_pack("{s:s, s:o}", "key", key, "value", json_text(text)) : NULL;
}

static json_t *make_match(const struct rule_match *match)
{
    json_t *object = make_pair(match->type->key, match->type->print, match->value);

    if (match->type->varies)
        json_object_set_new(object, "varies", json_true());
    return object;
}

static json_t *make_actions(const struct rule *rule)
{
    json_t *array = json_array();

    for (size_t i = 0; i < rule->action_count; i++) {
        const struct rule_action *action = &rule->actions[i];

        json_array_append_new(array,
                              make_pair(action->type->key, action->type->print, action->value));
    }
    return array;
}

static json_t *make_rule(const struct explained_rule *told, const struct rule *rule)
{
    json_t *object = json_pack("{s:s, s:o, s:i, s:b}", "name", rule->name, "file",
                               json_text(rule->file), "line", (int)rule->line, "matched",
                               told->matched);

    if (told->matched) {
        json_object_set_new(object, "actions", make_actions(rule));
        json_object_set_new(object, "changes", make_changes(&told->changes));
    } else if (told->disabled) {
        json_object_set_new(object, "enabled", json_false());
    } else if (told->obstacle < rule->match_count) {
        json_object_set_new(object, "obstacle", make_match(&rule->matches[told->obstacle]));
        json_object_set_new(object, "found",
                            told->found != NULL ? json_string(told->found) : json_null());
    }
    return object;
}

static json_t *make_rules(const struct explanation *told, const struct ruleset *ruleset)
{
    json_t *array = json_array();

    for (size_t i = 0; i < told->rule_count; i++)
        json_array_append_new(array,
                              make_rule(&told->rules[i], &ruleset->rules[told->rules[i].rule]));
    return array;
}

static json_t *make_details(const struct packet *packet)
{
    json_t *object = json_object();

    for (size_t i = 0; i < detail_count; i++) {
        char *text = detail_text(&details[i], packet);

        if (text != NULL)
            json_object_set_new(object, details[i].name, json_string(text));
        free(text);
    }
    return object;
}

static json_t *make_answers(const struct explanation *told)
{
    json_t *array = json_array();

    for (size_t i = 0; i < told->answer_count; i++)
        json_array_append_new(array, json_string(told->answers[i]));
    return array;
}

static const char *decider_name(enum decider decider)
{
    static const char *const names[] = {
        [DECIDED_BY_RULE] = "rule", [DECIDED_BY_POLICY] = "policy", [DECIDED_BY_PATH] = "path"};

    return names[decider];
}

static json_t *make_translations(const struct explained_flow *flow)
{
    json_t *array = json_array();

    for (enum packet_end end = 0; end < PACKET_ENDS; end++) {
        const struct explained_end *told = &flow->ends[end];

        if (told->before == NULL)
            continue;
        json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s}", "end",
                                               end == PACKET_SRC ? "source" : "destination",
                                               "action", told->action, "before", told->before,
                                               "after", told->after));
    }
    return array;
}

static json_t *make_flow(const struct explained_flow *flow)
{
    static const char *const relations[RELATION_COUNT] = {[RELATION_NEW] = "new",
                                                          [RELATION_ESTABLISHED] = "established",
                                                          [RELATION_RELATED] = "related",
                                                          [RELATION_INVALID] = "invalid"};
    json_t *object = json_pack("{s:s}", "state", relations[flow->relation]);

    if (!flow->known)
        return object;
    json_object_set_new(object, "way",
                        json_string(flow->way == FLOW_ORIGINAL ? "original" : "reply"));
    json_object_set_new(object, "original", json_string(flow->original));
    json_object_set_new(object, "rule", flow->rule != NULL ? json_string(flow->rule) : json_null());
    json_object_set_new(object, "translations", make_translations(flow));
    return object;
}

/* What only a packet of translated or tracked flows has. */
static void add_flow(json_t *object, const struct explanation *told)
{
    if (!told->flow.tracked)
        return;
    json_object_set_new(object, "flow", make_flow(&told->flow));
    if (told->seen != NULL)
        json_object_set_new(object, "seen", json_string(told->seen));
    json_object_set_new(object, "restored", make_changes(&told->restored));
    json_object_set_new(object, "translated", make_changes(&told->translated));
}

static const char *fate_name(enum fate fate)
{
    static const char *const names[FATE_COUNT] = {
        [FATE_OUT] = "out", [FATE_DROP] = "drop", [FATE_PARKED] = "parked"};

    return names[fate];
}

json_t *explain_to_json(const struct explanation *told, const struct ruleset *ruleset)
{
    bool is_out = told->fate == FATE_OUT;
    json_t *object = json_pack("{s:s?, s:s, s:s?, s:s, s:o, s:o, s:o}", "packet", told->line,
                               "fate", fate_name(told->fate), "reason",
                               told->fate == FATE_DROP ? reason_name(told->reason) : NULL,
                               "decided_by", decider_name(told->decider), "rules",
                               make_rules(told, ruleset), "repaired", make_changes(&told->repaired),
                               "answers", make_answers(told));

    if (object == NULL)
        return NULL;
    json_object_set_new(object, "length", json_uint(told->before.length));
    if (told->waited)
        json_object_set_new(object, "waited", json_true());
    if (told->split > 0)
        json_object_set_new(object, "split", json_uint(told->split));
    if (!told->parsed) {
        json_object_set_new(object, "malformed", json_string(reason_name(told->fault)));
        return object;
    }
    add_flow(object, told);
    json_object_set_new(object, "before", make_details(&told->before));
    if (is_out)
        json_object_set_new(object, "after", make_details(&told->after));
    return object;
}
