/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set-ip-id: the identification of IPv4.
 *
 * A fragment keeps the one that it has when numbers are drawn: with another in each fragment, no
 * datagram would ever be put together again (RFC 791 3.2).
 */
#include "arithmetic.h"
#include "table.h"

#include "ipmodd/base/rng.h"
#include "ipmodd/datapath/edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char grammar[] = "N, +N, -N, min N or max N, N from 0 to 65535, or random";

struct ip_id_value {
    bool random;
    struct arithmetic *number; /* owned; NULL with `random` */
};

static void set_ip_id_free(void *pointer)
{
    struct ip_id_value *value = pointer;

    free(value->number);
    free(value);
}

static int set_ip_id_parse(const char *text, const struct scope *scope, void **ret_value,
                           struct value_error *error)
{
    struct ip_id_value *value = calloc(1, sizeof(*value));
    void *number = NULL;
    int r = 0;

    (void)scope;
    if (value == NULL)
        return -ENOMEM;
    value->random = strcmp(text, "random") == 0;
    if (!value->random)
        r = arithmetic_parse(text, &value_ip_id, &number, error);
    if (r < 0) {
        free(value);
        return r == -EINVAL ? value_refuse(error, "'%.40s' is not right: %s", text, grammar) : r;
    }
    value->number = number;
    *ret_value = value;
    return 0;
}

static void set_ip_id_narrow(const void *value, struct scope *scope)
{
    (void)value;
    scope_keep_families(scope, FAMILIES_IPV4);
}

static enum step set_ip_id_apply(const void *pointer, const struct action_context *context,
                                 struct packet *packet)
{
    const struct ip_id_value *value = pointer;

    if (packet->family != FAMILY_IPV4)
        return STEP_NEXT;
    if (!value->random)
        edit_ip_id(packet,
                   (uint16_t)arithmetic_apply(value->number, &value_ip_id, packet_ip_id(packet)));
    else if ((packet->flags & PACKET_FRAGMENT) == 0)
        edit_ip_id(packet, rng_u16(context->rng));
    return STEP_NEXT;
}

static void set_ip_id_print(const void *pointer, FILE *out)
{
    const struct ip_id_value *value = pointer;

    if (value->random)
        fputs("random", out);
    else
        arithmetic_print(value->number, out);
}

const struct action_type action_set_ip_id = {
    .key = "set-ip-id",
    .grammar = grammar,
    .parse = set_ip_id_parse,
    .free = set_ip_id_free,
    .narrow = set_ip_id_narrow,
    .apply = set_ip_id_apply,
    .writes = FIELD_BIT(FIELD_IP_ID),
    .print = set_ip_id_print,
    .per_wire_packet = true,
};
