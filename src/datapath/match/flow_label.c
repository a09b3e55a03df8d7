/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow-label: the flow label of IPv6 (RFC 6437). */
#include "table.h"

#include "ipmodd/datapath/number_list.h"

#include <stdlib.h>

static int flow_label_parse(const char *text, const struct scope *scope, void **ret_value,
                            struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &value_flow_label, ret_value, error);
}

static void flow_label_narrow(const void *value, struct scope *scope)
{
    (void)value;
    scope_keep_families(scope, FAMILIES_IPV6);
}

static bool flow_label_test(const void *value, const struct match_context *context,
                            const struct packet *packet)
{
    (void)context;
    return packet->family == FAMILY_IPV6 && number_list_holds(value, packet_flow_label(packet));
}

static void flow_label_print(const void *value, FILE *out)
{
    number_list_print(value, &value_flow_label, out);
}

const struct match_type match_flow_label = {
    .key = "flow-label",
    .grammar = "numbers 0 to 1048575",
    .parse = flow_label_parse,
    .free = free,
    .narrow = flow_label_narrow,
    .test = flow_label_test,
    .reads = FIELD_BIT(FIELD_FLOW_LABEL),
    .implied = number_list_implied,
    .holds_always = number_list_holds_always,
    .print = flow_label_print,
};
