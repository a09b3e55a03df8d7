/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state: what a packet is to the flows that are known. */
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/number_list.h"

#include <assert.h>
#include <stdlib.h>

static const struct value_name state_names[] = {
    {"new", RELATION_NEW, RELATION_NEW},
    {"established", RELATION_ESTABLISHED, RELATION_ESTABLISHED},
    {"related", RELATION_RELATED, RELATION_RELATED},
    {"invalid", RELATION_INVALID, RELATION_INVALID},
};

static_assert(ARRAY_SIZE(state_names) == RELATION_COUNT, "every relation has a name");

static const struct value_domain state_domain = {.noun = "a state",
                                                 .max = RELATION_COUNT - 1,
                                                 .names = state_names,
                                                 .name_count = ARRAY_SIZE(state_names),
                                                 .names_only = true};

static int state_parse(const char *text, const struct scope *scope, void **ret_value,
                       struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &state_domain, ret_value, error);
}

static bool state_test(const void *value, const struct match_context *context,
                       const struct packet *packet)
{
    (void)context;
    return number_list_holds(value, packet->relation);
}

static void state_print(const void *value, FILE *out)
{
    number_list_print(value, &state_domain, out);
}

const struct match_type match_state = {
    .key = "state",
    .grammar = "new, established, related, invalid",
    .parse = state_parse,
    .free = free,
    .test = state_test,
    .holds_always = number_list_holds_always,
    .print = state_print,
    .varies = true,
    .needs_flow = true,
};
