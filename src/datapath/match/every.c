/* SPDX-License-Identifier: GPL-2.0-or-later */
/* every: each N-th of the wire packets that the rest of the rule holds for. */
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct value_domain every_domain = {
    .noun = "a number of packets", .min = 1, .max = 1000000000};

struct every {
    uint32_t turn; /* holds for number TURN, twice TURN, … */
};

struct every_state {
    uint32_t waited; /* packets since it held */
};

static int every_parse(const char *text, const struct scope *scope, void **ret_value,
                       struct value_error *error)
{
    struct every value;
    int r = value_parse_number(text, &every_domain, &value.turn, error);

    (void)scope;
    if (r < 0)
        return r;
    return value_keep(&value, sizeof(value), ret_value);
}

static void *every_state_new(const void *value)
{
    (void)value;
    return calloc(1, sizeof(struct every_state));
}

static bool every_test(const void *pointer, const struct match_context *context,
                       const struct packet *packet)
{
    const struct every *value = pointer;
    struct every_state *state = context->state;

    (void)packet;
    if (++state->waited < value->turn)
        return false;
    state->waited = 0;
    return true;
}

static bool every_holds_always(const void *pointer)
{
    const struct every *value = pointer;

    return value->turn == 1;
}

static void every_print(const void *pointer, FILE *out)
{
    const struct every *value = pointer;

    fprintf(out, "%" PRIu32, value->turn);
}

const struct match_type match_every = {
    .key = "every",
    .grammar = "a number of packets, 1 to 1000000000",
    .parse = every_parse,
    .free = free,
    .test = every_test,
    .holds_always = every_holds_always,
    .print = every_print,
    .state_new = every_state_new,
    .state_free = free,
    .per_wire_packet = true,
    .varies = true,
    .spends = true,
};
