/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * strip-tcp-option: TCP options taken away. NOPs take their place, so that the header keeps its
 * length.
 */
#include "table.h"

#include "ipmodd/datapath/edit.h"
#include "ipmodd/datapath/number_list.h"

#include <stdlib.h>

static int strip_tcp_option_parse(const char *text, const struct scope *scope, void **ret_value,
                                  struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &value_tcp_option, ret_value, error);
}

static void strip_tcp_option_narrow(const void *value, struct scope *scope)
{
    const struct scope tcp = scope_tcp();

    (void)value;
    scope_intersect(scope, &tcp);
}

static bool is_unwanted(const void *value, uint8_t kind)
{
    return number_list_holds(value, kind);
}

static enum step strip_tcp_option_apply(const void *value, const struct action_context *context,
                                        struct packet *packet)
{
    (void)context;
    edit_strip_tcp_options(packet, is_unwanted, value);
    return STEP_NEXT;
}

static void strip_tcp_option_print(const void *value, FILE *out)
{
    number_list_print(value, &value_tcp_option, out);
}

const struct action_type action_strip_tcp_option = {
    .key = "strip-tcp-option",
    .grammar = "any, names (mss, window-scale, sack-permitted, timestamps …) or kinds 2 to 255",
    .parse = strip_tcp_option_parse,
    .free = free,
    .narrow = strip_tcp_option_narrow,
    .apply = strip_tcp_option_apply,
    .writes = FIELD_BIT(FIELD_TCP_OPTIONS),
    .print = strip_tcp_option_print,
};
