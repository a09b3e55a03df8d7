/* SPDX-License-Identifier: GPL-2.0-or-later */
/* df: the don't-fragment bit of IPv4. */
#include "table.h"

#include "ipmodd/datapath/number_list.h"

#include <stdlib.h>

static int df_parse(const char *text, const struct scope *scope, void **ret_value,
                    struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &value_yes_no, ret_value, error);
}

static void df_narrow(const void *value, struct scope *scope)
{
    (void)value;
    scope_keep_families(scope, FAMILIES_IPV4);
}

static bool df_test(const void *value, const struct match_context *context,
                    const struct packet *packet)
{
    (void)context;
    return packet->family == FAMILY_IPV4 && number_list_holds(value, packet_df(packet));
}

static void df_print(const void *value, FILE *out)
{
    number_list_print(value, &value_yes_no, out);
}

const struct match_type match_df = {
    .key = "df",
    .grammar = "yes or no",
    .parse = df_parse,
    .free = free,
    .narrow = df_narrow,
    .test = df_test,
    .reads = FIELD_BIT(FIELD_DF),
    .implied = number_list_implied,
    .holds_always = number_list_holds_always,
    .print = df_print,
};
