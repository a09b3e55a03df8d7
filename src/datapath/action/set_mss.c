/* SPDX-License-Identifier: GPL-2.0-or-later */
/* set-mss, clamp-mss: the maximum segment size that a TCP SYN announces. */
#include "number_value.h"
#include "table.h"

#include "ipmodd/datapath/edit.h"

#include <stdlib.h>
#include <string.h>

static const struct value_domain mss_domain = {.noun = "an MSS", .min = 1, .max = 65535};

static int set_mss_parse(const char *text, const struct scope *scope, void **ret_value,
                         struct value_error *error)
{
    (void)scope;
    return number_value_parse(text, &mss_domain, ret_value, error);
}

static int clamp_mss_parse(const char *text, const struct scope *scope, void **ret_value,
                           struct value_error *error)
{
    if (strcmp(text, "pmtu") == 0)
        return value_refuse(error, "pmtu is not in this version yet: a number of bytes");
    return set_mss_parse(text, scope, ret_value, error);
}

static void mss_narrow(const void *value, struct scope *scope)
{
    const struct scope tcp = scope_tcp();

    (void)value;
    scope_intersect(scope, &tcp);
}

static enum step set_mss_apply(const void *value, const struct action_context *context,
                               struct packet *packet)
{
    const struct number_value *mss = value;

    (void)context;
    edit_tcp_mss(packet, (uint16_t)mss->number);
    return STEP_NEXT;
}

/* Lowers alone: what the peer may send must not grow beyond what it was told (RFC 9293 3.7.1). */
static enum step clamp_mss_apply(const void *value, const struct action_context *context,
                                 struct packet *packet)
{
    const struct number_value *most = value;
    uint16_t mss;

    (void)context;
    if (packet_tcp_mss(packet, &mss) && mss > most->number)
        edit_tcp_mss(packet, (uint16_t)most->number);
    return STEP_NEXT;
}

static void mss_print(const void *value, FILE *out)
{
    number_value_print(value, &mss_domain, out);
}

const struct action_type action_set_mss = {
    .key = "set-mss",
    .grammar = "a number of bytes, 1 to 65535",
    .parse = set_mss_parse,
    .free = free,
    .narrow = mss_narrow,
    .apply = set_mss_apply,
    .print = mss_print,
};

const struct action_type action_clamp_mss = {
    .key = "clamp-mss",
    .grammar = "a number of bytes, 1 to 65535",
    .parse = clamp_mss_parse,
    .free = free,
    .narrow = mss_narrow,
    .apply = clamp_mss_apply,
    .print = mss_print,
};
