/* SPDX-License-Identifier: GPL-2.0-or-later */
/* set-window: the window field of TCP, unscaled. */
#include "arithmetic.h"
#include "table.h"

#include "ipmodd/datapath/edit.h"

#include <stdlib.h>

static int set_window_parse(const char *text, const struct scope *scope, void **ret_value,
                            struct value_error *error)
{
    (void)scope;
    return arithmetic_parse(text, &value_window, ret_value, error);
}

static void set_window_narrow(const void *value, struct scope *scope)
{
    const struct scope tcp = scope_tcp();

    (void)value;
    scope_intersect(scope, &tcp);
}

static enum step set_window_apply(const void *value, const struct action_context *context,
                                  struct packet *packet)
{
    (void)context;
    if (packet_is_tcp(packet))
        edit_tcp_window(packet, (uint16_t)arithmetic_apply(value, &value_window,
                                                           packet_tcp_window(packet)));
    return STEP_NEXT;
}

static void set_window_print(const void *value, FILE *out)
{
    arithmetic_print(value, out);
}

const struct action_type action_set_window = {
    .key = "set-window",
    .grammar = "N, +N, -N, min N or max N, N from 0 to 65535",
    .parse = set_window_parse,
    .free = free,
    .narrow = set_window_narrow,
    .apply = set_window_apply,
    .writes = FIELD_BIT(FIELD_WINDOW),
    .print = set_window_print,
};
