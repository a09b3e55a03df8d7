/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explanations for people. */
#include "explain_show.h"

#include <string.h>

static const char *or_none(const char *text)
{
    return text != NULL ? text : "none";
}

static void print_changes(const struct changes *changes, FILE *out)
{
    for (size_t i = 0; i < changes->count; i++)
        fprintf(out, "    %s %s -> %s\n", changes->items[i].name, or_none(changes->items[i].before),
                or_none(changes->items[i].after));
}

static void print_obstacle(const struct explained_rule *told, const struct rule *rule, FILE *out)
{
    const struct rule_match *match = &rule->matches[told->obstacle];

    if (told->disabled) {
        fputs("is disabled\n", out);
        return;
    }
    if (told->obstacle == rule->match_count) {
        fputs("cannot be told of a fragment without its first one\n", out);
        return;
    }
    fprintf(out, "no, %s = ", match->type->key);
    match->type->print(match->value, out);
    if (match->type->varies)
        fputs(" does not hold now\n", out);
    else
        fprintf(out, ": the packet has %s\n", or_none(told->found));
}

static void print_actions(const struct rule *rule, FILE *out)
{
    fputs("matches", out);
    for (size_t i = 0; i < rule->action_count; i++) {
        fprintf(out, "%s %s = ", i == 0 ? ":" : ",", rule->actions[i].type->key);
        rule->actions[i].type->print(rule->actions[i].value, out);
    }
    fputc('\n', out);
}

static void print_rule(const struct explained_rule *told, const struct rule *rule, FILE *out)
{
    fprintf(out, "  rule %s (%s:%u) ", rule->name, rule->file, rule->line);
    if (told->matched)
        print_actions(rule, out);
    else
        print_obstacle(told, rule, out);
    print_changes(&told->changes, out);
}

static void print_fate(const struct explanation *told, const struct ruleset *ruleset, FILE *out)
{
    if (told->repaired.count > 0)
        fputs("  repaired\n", out);
    print_changes(&told->repaired, out);
    fprintf(out, "  %s", told->fate == FATE_OUT ? "out" : "dropped");
    if (told->fate == FATE_DROP)
        fprintf(out, ", %s", reason_name(told->reason));
    if (!told->parsed)
        fprintf(out, ": malformed (%s)", reason_name(told->fault));
    else if (told->decider == DECIDED_BY_RULE)
        fprintf(out, ": decided by rule %s",
                ruleset->rules[told->rules[told->rule_count - 1].rule].name);
    else if (told->decider == DECIDED_BY_POLICY)
        fputs(": no rule decided", out);
    fputc('\n', out);
    for (size_t i = 0; i < told->answer_count; i++)
        fprintf(out, "  answer: %s\n", told->answers[i]);
}

void explain_print(const struct explanation *told, const struct ruleset *ruleset, FILE *out)
{
    for (size_t i = 0; i < told->rule_count; i++)
        print_rule(&told->rules[i], &ruleset->rules[told->rules[i].rule], out);
    print_fate(told, ruleset, out);
}

static void print_detail(const struct detail *detail, const struct explanation *told, FILE *out)
{
    char *before = detail_text(detail, &told->before);
    char *after = told->fate == FATE_OUT ? detail_text(detail, &told->after) : NULL;
    bool is_same = before != NULL && after != NULL && strcmp(before, after) == 0;

    if (before != NULL || after != NULL)
        fprintf(out, "  %-12s %s", detail->name, or_none(before));
    if (told->fate == FATE_OUT && (before != NULL || after != NULL) && !is_same)
        fprintf(out, " -> %s", or_none(after));
    if (before != NULL || after != NULL)
        fputc('\n', out);
    free(before);
    free(after);
}

void explain_print_details(const struct explanation *told, FILE *out)
{
    for (size_t i = 0; i < detail_count && told->parsed; i++)
        print_detail(&details[i], told, out);
}
