/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mss: the maximum segment size that a TCP SYN announces. */
#include "table.h"

#include "ipmodd/datapath/edit.h"
#include "ipmodd/datapath/number_list.h"

#include <stdlib.h>

static const struct value_domain mss_domain = {.noun = "an MSS", .max = 65535};

static int mss_parse(const char *text, const struct scope *scope, void **ret_value,
                     struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &mss_domain, ret_value, error);
}

static void mss_narrow(const void *value, struct scope *scope)
{
    const struct scope tcp = scope_tcp();

    (void)value;
    scope_intersect(scope, &tcp);
}

static bool mss_test(const void *value, const struct match_context *context,
                     const struct packet *packet)
{
    uint16_t mss;

    (void)context;
    return packet_tcp_mss(packet, &mss) && number_list_holds(value, mss);
}

static void mss_print(const void *value, FILE *out)
{
    number_list_print(value, &mss_domain, out);
}

const struct match_type match_mss = {
    .key = "mss",
    .grammar = "numbers of bytes, 0 to 65535",
    .parse = mss_parse,
    .free = free,
    .narrow = mss_narrow,
    .test = mss_test,
    .reads = FIELD_BIT(FIELD_TCP_FLAGS) | FIELD_BIT(FIELD_TCP_OPTIONS),
    .implied = number_list_implied,
    .print = mss_print,
    .needs_header = true,
    .follows = true,
};
