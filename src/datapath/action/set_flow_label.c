/* SPDX-License-Identifier: GPL-2.0-or-later */
/* set-flow-label: the flow label of IPv6 (RFC 6437). */
#include "arithmetic.h"
#include "table.h"

#include "ipmodd/datapath/edit.h"

#include <stdlib.h>

static int set_flow_label_parse(const char *text, const struct scope *scope, void **ret_value,
                                struct value_error *error)
{
    (void)scope;
    return arithmetic_parse(text, &value_flow_label, ret_value, error);
}

static void set_flow_label_narrow(const void *value, struct scope *scope)
{
    (void)value;
    scope_keep_families(scope, FAMILIES_IPV6);
}

static enum step set_flow_label_apply(const void *value, const struct action_context *context,
                                      struct packet *packet)
{
    (void)context;
    if (packet->family == FAMILY_IPV6)
        edit_flow_label(packet,
                        arithmetic_apply(value, &value_flow_label, packet_flow_label(packet)));
    return STEP_NEXT;
}

static void set_flow_label_print(const void *value, FILE *out)
{
    arithmetic_print(value, out);
}

const struct action_type action_set_flow_label = {
    .key = "set-flow-label",
    .grammar = "N, +N, -N, min N or max N, N from 0 to 1048575",
    .parse = set_flow_label_parse,
    .free = free,
    .narrow = set_flow_label_narrow,
    .apply = set_flow_label_apply,
    .writes = FIELD_BIT(FIELD_FLOW_LABEL),
    .print = set_flow_label_print,
};
