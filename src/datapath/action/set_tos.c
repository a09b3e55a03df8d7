/* SPDX-License-Identifier: GPL-2.0-or-later */
/* set-dscp, set-ecn: the two parts of the TOS or traffic class byte. */
#include "number_value.h"
#include "table.h"

#include "ipmodd/datapath/edit.h"

#include <stdlib.h>

#define ECN_BITS 2
#define ECN_MASK 3u

static int set_dscp_parse(const char *text, const struct scope *scope, void **ret_value,
                          struct value_error *error)
{
    (void)scope;
    return number_value_parse(text, &value_dscp, ret_value, error);
}

static enum step set_dscp_apply(const void *value, const struct action_context *context,
                                struct packet *packet)
{
    const struct number_value *dscp = value;

    (void)context;
    edit_tos(packet, (uint8_t)(dscp->number << ECN_BITS | (packet_tos(packet) & ECN_MASK)));
    return STEP_NEXT;
}

static void set_dscp_print(const void *value, FILE *out)
{
    number_value_print(value, &value_dscp, out);
}

static int set_ecn_parse(const char *text, const struct scope *scope, void **ret_value,
                         struct value_error *error)
{
    (void)scope;
    return number_value_parse(text, &value_ecn, ret_value, error);
}

static enum step set_ecn_apply(const void *value, const struct action_context *context,
                               struct packet *packet)
{
    const struct number_value *ecn = value;

    (void)context;
    edit_tos(packet, (uint8_t)((packet_tos(packet) & ~ECN_MASK) | ecn->number));
    return STEP_NEXT;
}

static void set_ecn_print(const void *value, FILE *out)
{
    number_value_print(value, &value_ecn, out);
}

const struct action_type action_set_dscp = {
    .key = "set-dscp",
    .grammar = "a name (ef, af11, cs1 …) or a number from 0 to 63",
    .parse = set_dscp_parse,
    .free = free,
    .apply = set_dscp_apply,
    .writes = FIELD_BIT(FIELD_DSCP),
    .print = set_dscp_print,
};

const struct action_type action_set_ecn = {
    .key = "set-ecn",
    .grammar = "not-ect, ect0, ect1 or ce",
    .parse = set_ecn_parse,
    .free = free,
    .apply = set_ecn_apply,
    .writes = FIELD_BIT(FIELD_ECN),
    .print = set_ecn_print,
};
