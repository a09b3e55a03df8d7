/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ecn: the congestion notification field (RFC 3168). */
#include "table.h"

#include "ipmodd/datapath/number_list.h"

#include <stdlib.h>

static int ecn_parse(const char *text, const struct scope *scope, void **ret_value,
                     struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &value_ecn, ret_value, error);
}

static bool ecn_test(const void *value, const struct match_context *context,
                     const struct packet *packet)
{
    (void)context;
    return number_list_holds(value, packet_tos(packet) & 3u);
}

static void ecn_print(const void *value, FILE *out)
{
    number_list_print(value, &value_ecn, out);
}

const struct match_type match_ecn = {
    .key = "ecn",
    .grammar = "not-ect, ect0, ect1, ce",
    .parse = ecn_parse,
    .free = free,
    .test = ecn_test,
    .reads = FIELD_BIT(FIELD_ECN),
    .implied = number_list_implied,
    .holds_always = number_list_holds_always,
    .print = ecn_print,
};
