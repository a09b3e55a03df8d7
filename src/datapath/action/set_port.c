/* SPDX-License-Identifier: GPL-2.0-or-later */
/* set-sport, set-dport: another source or destination port. */
#include "arithmetic.h"
#include "table.h"

#include "ipmodd/datapath/edit.h"

#include <stdlib.h>

static int port_parse(const char *text, const struct scope *scope, void **ret_value,
                      struct value_error *error)
{
    (void)scope;
    return arithmetic_parse(text, &value_port, ret_value, error);
}

static void port_narrow(const void *value, struct scope *scope)
{
    const struct scope ports = scope_ports();

    (void)value;
    scope_intersect(scope, &ports);
}

static void port_print(const void *value, FILE *out)
{
    arithmetic_print(value, out);
}

static enum step set_sport_apply(const void *value, const struct action_context *context,
                                 struct packet *packet)
{
    (void)context;
    if (packet_has_ports(packet))
        edit_sport(packet, (uint16_t)arithmetic_apply(value, &value_port, packet_sport(packet)));
    return STEP_NEXT;
}

static enum step set_dport_apply(const void *value, const struct action_context *context,
                                 struct packet *packet)
{
    (void)context;
    if (packet_has_ports(packet))
        edit_dport(packet, (uint16_t)arithmetic_apply(value, &value_port, packet_dport(packet)));
    return STEP_NEXT;
}

const struct action_type action_set_sport = {
    .key = "set-sport",
    .grammar = "N, +N, -N, min N or max N, N from 0 to 65535",
    .parse = port_parse,
    .free = free,
    .narrow = port_narrow,
    .apply = set_sport_apply,
    .writes = FIELD_BIT(FIELD_SPORT),
    .print = port_print,
};

const struct action_type action_set_dport = {
    .key = "set-dport",
    .grammar = "N, +N, -N, min N or max N, N from 0 to 65535",
    .parse = port_parse,
    .free = free,
    .narrow = port_narrow,
    .apply = set_dport_apply,
    .writes = FIELD_BIT(FIELD_DPORT),
    .print = port_print,
};
