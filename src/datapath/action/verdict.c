/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict: the packet goes out, vanishes, or is refused with an answer. */
#include "ipmodd/datapath/verdict.h"

#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "ipmodd/datapath/answer.h"

#include <stdlib.h>
#include <string.h>

static const char *const verdict_names[VERDICT_COUNT] = {
    [VERDICT_ACCEPT] = "accept",
    [VERDICT_DROP] = "drop",
    [VERDICT_REJECT] = "reject",
};

struct verdict_value {
    enum verdict verdict;
    enum reject_kind kind; /* with VERDICT_REJECT */
};

static int refuse_verdict(const char *text, struct value_error *error)
{
    struct text_guess guess = TEXT_GUESS(text);

    for (size_t i = 0; i < VERDICT_COUNT; i++)
        text_guess_offer(&guess, verdict_names[i]);
    if (guess.name != NULL)
        return value_refuse(error, "'%.40s' is not a verdict; did you mean '%s'?", text,
                            guess.name);
    return value_refuse(error, "'%.40s' is not a verdict: accept, drop or reject [KIND]", text);
}

static int refuse_kind(const char *text, struct value_error *error)
{
    struct text_guess guess = TEXT_GUESS(text);

    for (unsigned i = REJECT_DEFAULT + 1; i < REJECT_KIND_COUNT; i++)
        text_guess_offer(&guess, reject_kind_name(i));
    if (guess.name != NULL)
        return value_refuse(error, "'%.40s' is not a way to reject; did you mean '%s'?", text,
                            guess.name);
    return value_refuse(error,
                        "'%.40s' is not a way to reject: tcp-reset, port-unreachable, "
                        "host-unreachable, net-unreachable, proto-unreachable or admin-prohibited",
                        text);
}

/* What stands behind `reject`; nothing is the default kind. */
static int parse_kind(const char *text, enum reject_kind *ret_kind, struct value_error *error)
{
    for (unsigned i = 0; i < REJECT_KIND_COUNT; i++) {
        if (strcmp(reject_kind_name(i), text) == 0) {
            *ret_kind = i;
            return 0;
        }
    }
    return refuse_kind(text, error);
}

static int parse_text(const char *text, struct verdict_value *ret_value, struct value_error *error)
{
    size_t reject_length = strlen(verdict_names[VERDICT_REJECT]);

    ret_value->kind = REJECT_DEFAULT;
    for (unsigned i = 0; i < VERDICT_COUNT; i++) {
        if (strcmp(verdict_names[i], text) == 0) {
            ret_value->verdict = i;
            return 0;
        }
    }
    if (strncmp(text, verdict_names[VERDICT_REJECT], reject_length) != 0 ||
        !text_is_blank(text[reject_length]))
        return refuse_verdict(text, error);
    ret_value->verdict = VERDICT_REJECT;
    text += reject_length;
    return parse_kind(text + strspn(text, " \t"), &ret_value->kind, error);
}

static int verdict_parse(const char *text, const struct scope *scope, void **ret_value,
                         struct value_error *error)
{
    struct verdict_value parsed;
    int r = parse_text(text, &parsed, error);

    (void)scope;
    if (r < 0)
        return r;
    return value_keep(&parsed, sizeof(parsed), ret_value);
}

static void verdict_narrow(const void *pointer, struct scope *scope)
{
    const struct verdict_value *value = pointer;
    const struct scope tcp = scope_tcp();

    if (value->verdict != VERDICT_REJECT)
        return;
    if (value->kind == REJECT_TCP_RESET)
        scope_intersect(scope, &tcp);
    if (value->kind == REJECT_PROTO_UNREACHABLE)
        scope_keep_families(scope, FAMILIES_IPV4);
}

static enum step verdict_apply(const void *pointer, const struct action_context *context,
                               struct packet *packet)
{
    const struct verdict_value *value = pointer;

    switch (value->verdict) {
    case VERDICT_ACCEPT:
    case VERDICT_COUNT:
        packet->fate = FATE_OUT;
        break;
    case VERDICT_DROP:
        packet->fate = FATE_DROP;
        packet->reason = REASON_RULE;
        break;
    case VERDICT_REJECT:
        answer_reject(context->answerer, packet, value->kind);
        break;
    }
    return STEP_END;
}

/* A rejection answers each wire packet by itself. */
static bool verdict_takes_whole(const void *pointer)
{
    const struct verdict_value *value = pointer;

    return value->verdict != VERDICT_REJECT;
}

/* A datagram that is to be stopped is not let through in parts. */
static bool verdict_needs_all_fragments(const void *pointer)
{
    const struct verdict_value *value = pointer;

    return value->verdict != VERDICT_ACCEPT;
}

static void verdict_print(const void *pointer, FILE *out)
{
    const struct verdict_value *value = pointer;

    fputs(verdict_names[value->verdict], out);
    if (value->kind != REJECT_DEFAULT)
        fprintf(out, " %s", reject_kind_name(value->kind));
}

const struct action_type action_verdict = {
    .key = "verdict",
    .grammar = "accept, drop, or reject [tcp-reset | port-unreachable | host-unreachable | "
               "net-unreachable | proto-unreachable | admin-prohibited]",
    .parse = verdict_parse,
    .free = free,
    .narrow = verdict_narrow,
    .apply = verdict_apply,
    .print = verdict_print,
    .decides = true,
    .needs_all_fragments = verdict_needs_all_fragments,
    .per_wire_packet = true,
    .takes_whole = verdict_takes_whole,
};

/* An action that decides is the last one. */
enum verdict verdict_of_rule(const struct rule *rule)
{
    const struct rule_action *last;
    const struct verdict_value *value;

    if (rule->action_count == 0)
        return VERDICT_COUNT;
    last = &rule->actions[rule->action_count - 1];
    value = last->value;
    return last->type == &action_verdict ? value->verdict : VERDICT_COUNT;
}
