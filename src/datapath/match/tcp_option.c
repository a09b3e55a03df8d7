/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tcp-option: which options a TCP header carries. */
#include "table.h"

#include "ipmodd/datapath/number_list.h"
#include "ipmodd/wire/option.h"
#include "ipmodd/wire/tcp.h"

#include <stdlib.h>

static int tcp_option_parse(const char *text, const struct scope *scope, void **ret_value,
                            struct value_error *error)
{
    (void)scope;
    return number_list_parse_kinds(text, &value_tcp_option, ret_value, error);
}

static void tcp_option_narrow(const void *value, struct scope *scope)
{
    const struct scope tcp = scope_tcp();

    (void)value;
    scope_intersect(scope, &tcp);
}

static struct kind_set collect(const struct packet *packet)
{
    struct kind_set kinds = {.words = {0}};
    struct cursor options = cursor_over(packet_l4(packet), packet_l4_length(packet));
    struct option option;

    cursor_skip(&options, TCP_HEADER_MIN);
    while (option_next(&options, &option))
        kind_set_add(&kinds, option.kind);
    return kinds;
}

static bool tcp_option_test(const void *value, const struct match_context *context,
                            const struct packet *packet)
{
    struct kind_set kinds;

    (void)context;
    if (!packet_is_tcp(packet))
        return false;
    kinds = collect(packet);
    return number_list_holds_kinds(value, &kinds);
}

static void tcp_option_print(const void *value, FILE *out)
{
    number_list_print(value, &value_tcp_option, out);
}

const struct match_type match_tcp_option = {
    .key = "tcp-option",
    .grammar = "any, names (mss, window-scale, sack-permitted, timestamps …) or kinds 2 to 255",
    .parse = tcp_option_parse,
    .free = free,
    .narrow = tcp_option_narrow,
    .test = tcp_option_test,
    .reads = FIELD_BIT(FIELD_TCP_OPTIONS),
    .print = tcp_option_print,
    .needs_header = true,
    .follows = true,
};
