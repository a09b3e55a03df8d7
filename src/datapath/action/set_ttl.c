/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set-ttl: the TTL or hop limit that the packet has on the wire.
 *
 * 255 is out of reach: forwarding takes one off what is written, and the most that can be given
 * back makes 254 (KERNEL.md). 0 would never leave.
 */
#include "arithmetic.h"
#include "table.h"

#include "ipmodd/datapath/edit.h"

#include <stdlib.h>

static const struct value_domain ttl_domain = {.noun = "a TTL", .min = 1, .max = 254};

static int set_ttl_parse(const char *text, const struct scope *scope, void **ret_value,
                         struct value_error *error)
{
    (void)scope;
    return arithmetic_parse(text, &ttl_domain, ret_value, error);
}

static enum step set_ttl_apply(const void *value, const struct action_context *context,
                               struct packet *packet)
{
    (void)context;
    edit_ttl(packet, (uint8_t)arithmetic_apply(value, &ttl_domain, packet_ttl(packet)));
    return STEP_NEXT;
}

static void set_ttl_print(const void *value, FILE *out)
{
    arithmetic_print(value, out);
}

const struct action_type action_set_ttl = {
    .key = "set-ttl",
    .grammar = "N, +N, -N, min N or max N, N from 1 to 254",
    .parse = set_ttl_parse,
    .free = free,
    .apply = set_ttl_apply,
    .writes = FIELD_BIT(FIELD_TTL),
    .print = set_ttl_print,
};
