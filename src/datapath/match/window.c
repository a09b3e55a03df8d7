/* SPDX-License-Identifier: GPL-2.0-or-later */
/* window: the window field of TCP as it stands in the header, unscaled. */
#include "table.h"

#include "ipmodd/datapath/number_list.h"

#include <stdlib.h>

static int window_parse(const char *text, const struct scope *scope, void **ret_value,
                        struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &value_window, ret_value, error);
}

static void window_narrow(const void *value, struct scope *scope)
{
    const struct scope tcp = scope_tcp();

    (void)value;
    scope_intersect(scope, &tcp);
}

static bool window_test(const void *value, const struct match_context *context,
                        const struct packet *packet)
{
    (void)context;
    return packet_is_tcp(packet) && number_list_holds(value, packet_tcp_window(packet));
}

static void window_print(const void *value, FILE *out)
{
    number_list_print(value, &value_window, out);
}

const struct match_type match_window = {
    .key = "window",
    .grammar = "numbers 0 to 65535",
    .parse = window_parse,
    .free = free,
    .narrow = window_narrow,
    .test = window_test,
    .reads = FIELD_BIT(FIELD_WINDOW),
    .implied = number_list_implied,
    .print = window_print,
    .needs_header = true,
    .follows = true,
};
