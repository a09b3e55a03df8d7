/* SPDX-License-Identifier: GPL-2.0-or-later */
/* set-mss, clamp-mss: the maximum segment size that a TCP SYN announces. */
#include "arithmetic.h"
#include "number_value.h"
#include "table.h"

#include "ipmodd/base/host_view.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/edit.h"

#include <stdlib.h>

static const struct value_domain mss_domain = {.noun = "an MSS", .min = 1, .max = 65535};

static int set_mss_parse(const char *text, const struct scope *scope, void **ret_value,
                         struct value_error *error)
{
    (void)scope;
    return arithmetic_parse(text, &mss_domain, ret_value, error);
}

/* The one value of clamp-mss that is no number of bytes. */
enum { CLAMP_TO_PATH_MTU = 0 };

static const struct value_name clamp_names[] = {{"pmtu", CLAMP_TO_PATH_MTU, CLAMP_TO_PATH_MTU}};
static const struct value_domain clamp_domain = {
    .noun = "an MSS",
    .min = 1,
    .max = 65535,
    .names = clamp_names,
    .name_count = ARRAY_SIZE(clamp_names),
};

static int clamp_mss_parse(const char *text, const struct scope *scope, void **ret_value,
                           struct value_error *error)
{
    (void)scope;
    return number_value_parse(text, &clamp_domain, ret_value, error);
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
    uint16_t mss;

    (void)context;
    if (packet_tcp_mss(packet, &mss))
        edit_tcp_mss(packet, (uint16_t)arithmetic_apply(value, &mss_domain, mss));
    return STEP_NEXT;
}

/*
 * The largest segment that fits the way to the destination, for a packet that passes through the
 * way back as well, and for one that comes in the way back alone: both ends send by what SYNs say.
 * Counted without options (RFC 9293 3.7.1). 0 without a route.
 */
static unsigned path_mss(const struct host_view *view, const struct packet *packet)
{
    uint32_t headers = packet->family == FAMILY_IPV4 ? 20 + 20 : 40 + 20;
    uint32_t mtu = 0;

    if (packet->direction != DIRECTION_IN)
        mtu = host_view_path_mtu(view, packet->family, packet_dst(packet));
    if (packet->direction != DIRECTION_OUT) {
        uint32_t back = host_view_path_mtu(view, packet->family, packet_src(packet));

        if (back != 0 && (mtu == 0 || back < mtu))
            mtu = back;
    }
    return mtu > headers ? mtu - headers : 0;
}

/* Lowers alone: what the peer may send must not grow beyond what it was told. */
static enum step clamp_mss_apply(const void *value, const struct action_context *context,
                                 struct packet *packet)
{
    const struct number_value *clamp = value;
    unsigned most = clamp->number;
    uint16_t mss;

    if (!packet_tcp_mss(packet, &mss))
        return STEP_NEXT;
    if (most == CLAMP_TO_PATH_MTU)
        most = path_mss(context->view, packet);
    if (most != 0 && mss > most)
        edit_tcp_mss(packet, (uint16_t)most);
    return STEP_NEXT;
}

static void set_mss_print(const void *value, FILE *out)
{
    arithmetic_print(value, out);
}

static void clamp_mss_print(const void *value, FILE *out)
{
    number_value_print(value, &clamp_domain, out);
}

const struct action_type action_set_mss = {
    .key = "set-mss",
    .grammar = "N, +N, -N, min N or max N, N from 1 to 65535",
    .parse = set_mss_parse,
    .free = free,
    .narrow = mss_narrow,
    .apply = set_mss_apply,
    .writes = FIELD_BIT(FIELD_TCP_OPTIONS),
    .print = set_mss_print,
};

const struct action_type action_clamp_mss = {
    .key = "clamp-mss",
    .grammar = "a number of bytes, 1 to 65535, or pmtu",
    .parse = clamp_mss_parse,
    .free = free,
    .narrow = mss_narrow,
    .apply = clamp_mss_apply,
    .writes = FIELD_BIT(FIELD_TCP_OPTIONS),
    .print = clamp_mss_print,
};
