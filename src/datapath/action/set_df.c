/* SPDX-License-Identifier: GPL-2.0-or-later */
/* set-df: the don't-fragment bit of IPv4. */
#include "number_value.h"
#include "table.h"

#include "ipmodd/datapath/edit.h"

#include <stdlib.h>

static int set_df_parse(const char *text, const struct scope *scope, void **ret_value,
                        struct value_error *error)
{
    (void)scope;
    return number_value_parse(text, &value_yes_no, ret_value, error);
}

static void set_df_narrow(const void *value, struct scope *scope)
{
    (void)value;
    scope_keep_families(scope, FAMILIES_IPV4);
}

static enum step set_df_apply(const void *value, const struct action_context *context,
                              struct packet *packet)
{
    const struct number_value *df = value;

    (void)context;
    edit_df(packet, df->number != 0);
    return STEP_NEXT;
}

static void set_df_print(const void *value, FILE *out)
{
    number_value_print(value, &value_yes_no, out);
}

const struct action_type action_set_df = {
    .key = "set-df",
    .grammar = "yes or no",
    .parse = set_df_parse,
    .free = free,
    .narrow = set_df_narrow,
    .apply = set_df_apply,
    .writes = FIELD_BIT(FIELD_DF),
    .print = set_df_print,
};
