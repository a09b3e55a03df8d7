/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set-ip-id: the identification of IPv4.
 *
 * A fragment keeps the one that it has when numbers are drawn: with another in each fragment, no
 * datagram would ever be put together again (RFC 791 3.2).
 */
#include "number_value.h"
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/rng.h"
#include "ipmodd/datapath/edit.h"

#include <stdlib.h>

enum { ID_RANDOM = 0x10000 }; /* beyond all identifications */

static const struct value_name id_names[] = {{"random", ID_RANDOM, ID_RANDOM}};

static const struct value_domain id_domain = {.noun = "an IP identification",
                                              .max = 65535,
                                              .names = id_names,
                                              .name_count = ARRAY_SIZE(id_names)};

static int set_ip_id_parse(const char *text, const struct scope *scope, void **ret_value,
                           struct value_error *error)
{
    (void)scope;
    return number_value_parse(text, &id_domain, ret_value, error);
}

static void set_ip_id_narrow(const void *value, struct scope *scope)
{
    (void)value;
    scope_keep_families(scope, FAMILIES_IPV4);
}

static enum step set_ip_id_apply(const void *value, const struct action_context *context,
                                 struct packet *packet)
{
    const struct number_value *id = value;

    if (id->number != ID_RANDOM)
        edit_ip_id(packet, (uint16_t)id->number);
    else if ((packet->flags & PACKET_FRAGMENT) == 0)
        edit_ip_id(packet, rng_u16(context->rng));
    return STEP_NEXT;
}

static void set_ip_id_print(const void *value, FILE *out)
{
    number_value_print(value, &id_domain, out);
}

const struct action_type action_set_ip_id = {
    .key = "set-ip-id",
    .grammar = "a number, 0 to 65535, or random",
    .parse = set_ip_id_parse,
    .free = free,
    .narrow = set_ip_id_narrow,
    .apply = set_ip_id_apply,
    .writes = FIELD_BIT(FIELD_IP_ID),
    .print = set_ip_id_print,
    .per_wire_packet = true,
};
