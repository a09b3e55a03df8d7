/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ttl: the TTL or hop limit that the packet carries. */
#include "table.h"

#include "ipmodd/datapath/number_list.h"

#include <stdlib.h>

static int ttl_parse(const char *text, const struct scope *scope, void **ret_value,
                     struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &value_ttl, ret_value, error);
}

static bool ttl_test(const void *value, const struct match_context *context,
                     const struct packet *packet)
{
    (void)context;
    return number_list_holds(value, packet_ttl(packet));
}

static bool ttl_bound(const void *value, struct box *box)
{
    return number_list_bound(value, DIMENSION_TTL, box);
}

static void ttl_print(const void *value, FILE *out)
{
    number_list_print(value, &value_ttl, out);
}

const struct match_type match_ttl = {
    .key = "ttl",
    .grammar = "numbers 0 to 255",
    .parse = ttl_parse,
    .free = free,
    .test = ttl_test,
    .bound = ttl_bound,
    .reads = FIELD_BIT(FIELD_TTL),
    .implied = number_list_implied,
    .holds_always = number_list_holds_always,
    .print = ttl_print,
};
