/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ip-id: the identification of IPv4. */
#include "table.h"

#include "ipmodd/datapath/number_list.h"

#include <stdlib.h>

static int ip_id_parse(const char *text, const struct scope *scope, void **ret_value,
                       struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &value_ip_id, ret_value, error);
}

static void ip_id_narrow(const void *value, struct scope *scope)
{
    (void)value;
    scope_keep_families(scope, FAMILIES_IPV4);
}

static bool ip_id_test(const void *value, const struct match_context *context,
                       const struct packet *packet)
{
    (void)context;
    return packet->family == FAMILY_IPV4 && number_list_holds(value, packet_ip_id(packet));
}

/* The segments count up from the packet's own, which is the business of the split. */
static enum holding ip_id_test_segments(const void *value, const struct packet *packet)
{
    (void)value;
    return packet->family == FAMILY_IPV4 ? HOLDS_FOR_SOME : HOLDS_FOR_NONE;
}

static void ip_id_print(const void *value, FILE *out)
{
    number_list_print(value, &value_ip_id, out);
}

const struct match_type match_ip_id = {
    .key = "ip-id",
    .grammar = "numbers 0 to 65535",
    .parse = ip_id_parse,
    .free = free,
    .narrow = ip_id_narrow,
    .test = ip_id_test,
    .reads = FIELD_BIT(FIELD_IP_ID),
    .implied = number_list_implied,
    .holds_always = number_list_holds_always,
    .print = ip_id_print,
    .per_wire_packet = true,
    .test_segments = ip_id_test_segments,
};
