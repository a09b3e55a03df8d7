/* SPDX-License-Identifier: GPL-2.0-or-later */
/* set-src, set-dst: another source or destination address, without any memory of flows. */
#include "table.h"

#include "ipmodd/datapath/edit.h"

#include <stdlib.h>

static int address_parse(const char *text, const struct scope *scope, void **ret_value,
                         struct value_error *error)
{
    struct ip_addr addr;

    (void)scope;
    if (ip_addr_parse(text, &addr) < 0)
        return value_refuse(
            error, "'%.60s' is not an address: one such as 192.0.2.1 or 2001:db8::1", text);
    return value_keep(&addr, sizeof(addr), ret_value);
}

static void address_narrow(const void *value, struct scope *scope)
{
    const struct ip_addr *addr = value;

    scope_keep_families(scope, 1u << addr->family);
}

static void address_print(const void *value, FILE *out)
{
    char text[IP_PREFIX_TEXT];

    fputs(ip_addr_format(value, text), out);
}

static enum step set_src_apply(const void *value, const struct action_context *context,
                               struct packet *packet)
{
    (void)context;
    edit_src(packet, value);
    return STEP_NEXT;
}

static enum step set_dst_apply(const void *value, const struct action_context *context,
                               struct packet *packet)
{
    (void)context;
    edit_dst(packet, value);
    return STEP_NEXT;
}

/* Parts that went elsewhere, or came from elsewhere, would never be one datagram again. */
static bool address_needs_all_fragments(const void *value)
{
    (void)value;
    return true;
}

const struct action_type action_set_src = {
    .key = "set-src",
    .grammar = "an address",
    .parse = address_parse,
    .free = free,
    .narrow = address_narrow,
    .apply = set_src_apply,
    .writes = FIELD_BIT(FIELD_SRC),
    .print = address_print,
    .needs_all_fragments = address_needs_all_fragments,
};

const struct action_type action_set_dst = {
    .key = "set-dst",
    .grammar = "an address",
    .parse = address_parse,
    .free = free,
    .narrow = address_narrow,
    .apply = set_dst_apply,
    .writes = FIELD_BIT(FIELD_DST),
    .print = address_print,
    .needs_all_fragments = address_needs_all_fragments,
};
