/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set-ttl: the TTL or hop limit that the packet has on the wire.
 *
 * 255 is out of reach: forwarding takes one off what is written, and the most that can be given
 * back makes 254 (KERNEL.md). 0 would never leave.
 */
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "ipmodd/datapath/edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    TTL_MIN = 1,
    TTL_MAX = 254,
};

enum ttl_operation {
    TTL_SET,   /* "64" */
    TTL_ADD,   /* "+1" */
    TTL_TAKE,  /* "-1" */
    TTL_FLOOR, /* "min 8": raised to it where lower */
    TTL_CEIL,  /* "max 64": lowered to it where higher */
    TTL_OPERATION_COUNT,
};

/* What stands before the number; the empty one is tried last, since every text begins with it. */
static const char *const prefixes[TTL_OPERATION_COUNT] = {
    [TTL_SET] = "", [TTL_ADD] = "+", [TTL_TAKE] = "-", [TTL_FLOOR] = "min ", [TTL_CEIL] = "max ",
};

static const struct value_domain ttl_domain = {.noun = "a TTL", .min = TTL_MIN, .max = TTL_MAX};

struct ttl_value {
    enum ttl_operation operation;
    uint32_t number;
};

static enum ttl_operation find_operation(const char *text)
{
    for (unsigned i = TTL_OPERATION_COUNT - 1; i > TTL_SET; i--) {
        if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
            return i;
    }
    return TTL_SET;
}

static int set_ttl_parse(const char *text, const struct scope *scope, void **ret_value,
                         struct value_error *error)
{
    struct ttl_value parsed = {.operation = find_operation(text)};
    const char *digits = text + strlen(prefixes[parsed.operation]);
    struct ttl_value *value;
    int r = value_parse_number(digits + strspn(digits, " \t"), &ttl_domain, &parsed.number, error);

    (void)scope;
    if (r == -EINVAL)
        return value_refuse(error,
                            "'%.40s' is not right: N, +N, -N, min N or max N, N from 1 to "
                            "254",
                            text);
    if (r < 0)
        return r;
    value = malloc(sizeof(*value));
    if (value == NULL)
        return -ENOMEM;
    *value = parsed;
    *ret_value = value;
    return 0;
}

/* The new TTL for OLD, kept within what can leave. */
static uint8_t compute(const struct ttl_value *value, uint8_t old)
{
    uint32_t ttl = value->number;

    switch (value->operation) {
    case TTL_SET:
    case TTL_OPERATION_COUNT:
        break;
    case TTL_ADD:
        ttl = old + value->number;
        break;
    case TTL_TAKE:
        ttl = old > value->number ? old - value->number : TTL_MIN;
        break;
    case TTL_FLOOR:
        ttl = MAX_OF(old, value->number);
        break;
    case TTL_CEIL:
        ttl = MIN_OF(old, value->number);
        break;
    }
    return (uint8_t)MIN_OF(MAX_OF(ttl, TTL_MIN), TTL_MAX);
}

static enum step set_ttl_apply(const void *value, const struct action_context *context,
                               struct packet *packet)
{
    (void)context;
    edit_ttl(packet, compute(value, packet_ttl(packet)));
    return STEP_NEXT;
}

static void set_ttl_print(const void *pointer, FILE *out)
{
    const struct ttl_value *value = pointer;

    fprintf(out, "%s%u", prefixes[value->operation], value->number);
}

const struct action_type action_set_ttl = {
    .key = "set-ttl",
    .grammar = "N, +N, -N, min N or max N, N from 1 to 254",
    .parse = set_ttl_parse,
    .free = free,
    .apply = set_ttl_apply,
    .print = set_ttl_print,
};
