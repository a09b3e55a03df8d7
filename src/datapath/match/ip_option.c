/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ip-option: which options an IPv4 header carries. */
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/number_list.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/option.h"

#include <stdlib.h>

/* IANA's types, copied flag and class included. 0 and 1 are padding, not options. */
static const struct value_name ip_option_names[] = {
    {"any", 2, 255},
    {"record-route", 7, 7},
    {"rr", 7, 7},
    {"timestamp", 68, 68},
    {"security", 130, 130},
    {"lsrr", IP4_OPTION_LSRR, IP4_OPTION_LSRR},
    {"cipso", 134, 134},
    {"ssrr", IP4_OPTION_SSRR, IP4_OPTION_SSRR},
    {"router-alert", 148, 148},
};

const struct value_domain value_ip_option = {.noun = "an IP option",
                                             .min = 2,
                                             .max = 255,
                                             .names = ip_option_names,
                                             .name_count = ARRAY_SIZE(ip_option_names)};

static int ip_option_parse(const char *text, const struct scope *scope, void **ret_value,
                           struct value_error *error)
{
    (void)scope;
    return number_list_parse_kinds(text, &value_ip_option, ret_value, error);
}

static void ip_option_narrow(const void *value, struct scope *scope)
{
    (void)value;
    scope_keep_families(scope, FAMILIES_IPV4);
}

static struct kind_set collect(const struct packet *packet)
{
    struct kind_set kinds = {.words = {0}};
    struct cursor options = cursor_over(packet->data, ip4_header_length(packet->data));
    struct option option;

    cursor_skip(&options, IP4_HEADER_MIN);
    while (option_next(&options, &option))
        kind_set_add(&kinds, option.kind);
    return kinds;
}

static bool ip_option_test(const void *value, const struct match_context *context,
                           const struct packet *packet)
{
    struct kind_set kinds;

    (void)context;
    if (packet->family != FAMILY_IPV4)
        return false;
    kinds = collect(packet);
    return number_list_holds_kinds(value, &kinds);
}

static void ip_option_print(const void *value, FILE *out)
{
    number_list_print(value, &value_ip_option, out);
}

const struct match_type match_ip_option = {
    .key = "ip-option",
    .grammar = "any, names (router-alert, record-route, lsrr, ssrr …) or types 2 to 255",
    .parse = ip_option_parse,
    .free = free,
    .narrow = ip_option_narrow,
    .test = ip_option_test,
    .reads = FIELD_BIT(FIELD_IP_OPTIONS),
    .print = ip_option_print,
};
