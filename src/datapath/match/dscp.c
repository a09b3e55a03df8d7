/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dscp: the differentiated services code point (RFC 2474). */
#include "table.h"

#include "ipmodd/datapath/number_list.h"

#include <stdlib.h>

static int dscp_parse(const char *text, const struct scope *scope, void **ret_value,
                      struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &value_dscp, ret_value, error);
}

static bool dscp_test(const void *value, const struct match_context *context,
                      const struct packet *packet)
{
    (void)context;
    return number_list_holds(value, packet_tos(packet) >> 2);
}

static bool dscp_bound(const void *value, struct box *box)
{
    return number_list_bound(value, DIMENSION_DSCP, box);
}

static void dscp_print(const void *value, FILE *out)
{
    number_list_print(value, &value_dscp, out);
}

const struct match_type match_dscp = {
    .key = "dscp",
    .grammar = "names (ef, af11, cs1 …) or numbers 0 to 63",
    .parse = dscp_parse,
    .free = free,
    .test = dscp_test,
    .bound = dscp_bound,
    .reads = FIELD_BIT(FIELD_DSCP),
    .implied = number_list_implied,
    .holds_always = number_list_holds_always,
    .print = dscp_print,
};
