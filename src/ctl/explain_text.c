/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explanations for people. */
#include "explain_show.h"

#include "ipmodd/explain/detail.h"
#include "view.h"

#include <string.h>

static const char *or_none(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "none";
}

static void print_changes(const json_t *changes, FILE *out)
{
    const json_t *change;
    size_t i;

    json_array_foreach((json_t *)changes, i, change)
        fprintf(out, "    %s %s -> %s\n", view_string(change, "field"), or_none(change, "before"),
                or_none(change, "after"));
}

static void print_obstacle(const json_t *rule, FILE *out)
{
    const json_t *obstacle = json_object_get(rule, "obstacle");

    if (json_is_false(json_object_get(rule, "enabled"))) {
        fputs("is disabled\n", out);
        return;
    }
    if (obstacle == NULL) {
        fputs("cannot be told of a fragment without its first one\n", out);
        return;
    }
    fprintf(out, "no, %s = %s", view_string(obstacle, "key"), view_string(obstacle, "value"));
    if (json_is_true(json_object_get(obstacle, "varies")))
        fputs(" does not hold now\n", out);
    else
        fprintf(out, ": the packet has %s\n", or_none(rule, "found"));
}

static void print_actions(const json_t *actions, FILE *out)
{
    const json_t *action;
    size_t i;

    fputs("matches", out);
    json_array_foreach((json_t *)actions, i, action)
        fprintf(out, "%s %s = %s", i == 0 ? ":" : ",", view_string(action, "key"),
                view_string(action, "value"));
    fputc('\n', out);
}

static void print_rule(const json_t *rule, FILE *out)
{
    fprintf(out, "  rule %s (%s:%lld) ", view_string(rule, "name"), view_string(rule, "file"),
            view_integer(rule, "line"));
    if (json_is_true(json_object_get(rule, "matched")))
        print_actions(json_object_get(rule, "actions"), out);
    else
        print_obstacle(rule, out);
    print_changes(json_object_get(rule, "changes"), out);
}

/* "masquerade 192.0.2.9:4000 -> 203.0.113.1:4000, of a new flow of rule share", and what follows
 * from it for the packet. */
static void print_translation(const json_t *told, const char *changes, FILE *out)
{
    const json_t *flow = json_object_get(told, "flow"), *translation;
    const char *rule = json_string_value(json_object_get(flow, "rule"));
    bool is_new = strcmp(view_string(flow, "state"), "new") == 0;
    size_t i;

    if (json_array_size(json_object_get(told, changes)) == 0)
        return;
    json_array_foreach(json_object_get(flow, "translations"), i, translation)
        fprintf(out, "%s %s %s -> %s", i == 0 ? "  translated:" : ",",
                view_string(translation, "action"), view_string(translation, "before"),
                view_string(translation, "after"));
    fputs(is_new ? ", of a new flow" : ", of a flow", out);
    if (rule != NULL)
        fprintf(out, " of rule %s", rule);
    fputc('\n', out);
    print_changes(json_object_get(told, changes), out);
}

/* What the packet is to a flow, where flows are tracked, and how rules see it if otherwise. */
static void print_flow(const json_t *told, FILE *out)
{
    const json_t *flow = json_object_get(told, "flow");
    bool is_reply = strcmp(view_string(flow, "way"), "reply") == 0;

    if (flow == NULL)
        return;
    fprintf(out, "  %s", view_string(flow, "state"));
    if (json_object_get(flow, "original") != NULL)
        fprintf(out, ", %s flow %s", is_reply ? "answers" : "of", view_string(flow, "original"));
    fputc('\n', out);
    print_translation(told, "restored", out);
    if (json_object_get(told, "seen") != NULL)
        fprintf(out, "  rules see %s\n", view_string(told, "seen"));
}

/* ": decided by rule web", and the like. */
static void print_decider(const json_t *told, FILE *out)
{
    const char *decider = view_string(told, "decided_by");
    const json_t *rules = json_object_get(told, "rules");

    if (json_object_get(told, "malformed") != NULL)
        fprintf(out, ": malformed (%s)", view_string(told, "malformed"));
    else if (strcmp(decider, "rule") == 0)
        fprintf(out, ": decided by rule %s",
                view_string(json_array_get(rules, json_array_size(rules) - 1), "name"));
    else if (strcmp(decider, "policy") == 0)
        fputs(": no rule decided", out);
    fputc('\n', out);
}

static bool has_fate(const json_t *told, const char *fate)
{
    return strcmp(view_string(told, "fate"), fate) == 0;
}

static void print_fate(const json_t *told, FILE *out)
{
    const json_t *repaired = json_object_get(told, "repaired"), *answer;
    long long split = view_integer(told, "split");
    size_t i;

    if (split > 0)
        fprintf(out, "  split into %lld packets, of which this is the first\n", split);
    print_translation(told, "translated", out);
    if (json_array_size(repaired) > 0)
        fputs("  repaired\n", out);
    print_changes(repaired, out);
    if (has_fate(told, "parked")) {
        fputs("  parked: waits for its first fragment\n", out);
        return;
    }
    fputs(has_fate(told, "out") ? "  out" : "  dropped", out);
    if (has_fate(told, "drop"))
        fprintf(out, ", %s", view_string(told, "reason"));
    print_decider(told, out);
    json_array_foreach(json_object_get(told, "answers"), i, answer)
        fprintf(out, "  answer: %s\n", json_string_value(answer));
}

void explain_print_head(const json_t *told, FILE *out)
{
    if (json_is_string(json_object_get(told, "packet")))
        fprintf(out, "%s\n", view_string(told, "packet"));
    else
        fprintf(out, "%lld bytes\n", view_integer(told, "length"));
}

void explain_print(const json_t *told, FILE *out)
{
    const json_t *rule;
    size_t i;

    if (json_is_true(json_object_get(told, "waited")))
        fputs("  had waited for its first fragment\n", out);
    print_flow(told, out);
    json_array_foreach(json_object_get(told, "rules"), i, rule) print_rule(rule, out);
    print_fate(told, out);
}

static void print_detail(const char *name, const json_t *told, FILE *out)
{
    const json_t *details_before = json_object_get(told, "before");
    const json_t *details_after = has_fate(told, "out") ? json_object_get(told, "after") : NULL;
    const char *before = json_string_value(json_object_get(details_before, name));
    const char *after = json_string_value(json_object_get(details_after, name));

    if (before == NULL && after == NULL)
        return;
    fprintf(out, "  %-12s %s", name, before != NULL ? before : "none");
    if (has_fate(told, "out") && (before == NULL || after == NULL || strcmp(before, after) != 0))
        fprintf(out, " -> %s", after != NULL ? after : "none");
    fputc('\n', out);
}

void explain_print_details(const json_t *told, FILE *out)
{
    for (size_t i = 0; i < detail_count; i++)
        print_detail(details[i].name, told, out);
}
