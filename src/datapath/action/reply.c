/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reply: a forged answer takes the packet's place. */
#include "number_value.h"
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/answer.h"

#include <stdlib.h>

enum { REPLY_ECHO };

static const struct value_name reply_names[] = {{"echo", REPLY_ECHO, REPLY_ECHO}};

static const struct value_domain reply_domain = {.noun = "a reply",
                                                 .max = REPLY_ECHO,
                                                 .names = reply_names,
                                                 .name_count = ARRAY_SIZE(reply_names),
                                                 .names_only = true};

static int reply_parse(const char *text, const struct scope *scope, void **ret_value,
                       struct value_error *error)
{
    (void)scope;
    return number_value_parse(text, &reply_domain, ret_value, error);
}

static void reply_narrow(const void *value, struct scope *scope)
{
    const struct scope icmp = scope_icmp();

    (void)value;
    scope_intersect(scope, &icmp);
}

static enum step reply_apply(const void *value, const struct action_context *context,
                             struct packet *packet)
{
    (void)value;
    return answer_echo(context->answerer, packet) ? STEP_END : STEP_NEXT;
}

static void reply_print(const void *value, FILE *out)
{
    number_value_print(value, &reply_domain, out);
}

const struct action_type action_reply = {
    .key = "reply",
    .grammar = "echo",
    .parse = reply_parse,
    .free = free,
    .narrow = reply_narrow,
    .apply = reply_apply,
    .print = reply_print,
    .decides = true,
};
