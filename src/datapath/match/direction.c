/* SPDX-License-Identifier: GPL-2.0-or-later */
/* direction: made by this host, passing through, or addressed to it. */
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/number_list.h"

#include <stdlib.h>
#include <string.h>

static const struct value_name direction_names[] = {
    {"out", DIRECTION_OUT, DIRECTION_OUT},
    {"forward", DIRECTION_FORWARD, DIRECTION_FORWARD},
    {"in", DIRECTION_IN, DIRECTION_IN},
};

static const struct value_domain direction_domain = {.noun = "a direction",
                                                     .max = DIRECTION_COUNT - 1,
                                                     .names = direction_names,
                                                     .name_count = ARRAY_SIZE(direction_names),
                                                     .names_only = true};

static int direction_parse(const char *text, const struct scope *scope, void **ret_value,
                           struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &direction_domain, ret_value, error);
}

static bool direction_test(const void *value, const struct match_context *context,
                           const struct packet *packet)
{
    (void)context;
    return number_list_holds(value, packet->direction);
}

static bool direction_bound(const void *value, struct box *box)
{
    return number_list_bound(value, DIMENSION_DIRECTION, box);
}

static void direction_print(const void *value, FILE *out)
{
    number_list_print(value, &direction_domain, out);
}

const struct match_type match_direction = {
    .key = "direction",
    .grammar = "out, forward, in",
    .parse = direction_parse,
    .free = free,
    .test = direction_test,
    .bound = direction_bound,
    .reads = FIELD_BIT(FIELD_DIRECTION),
    .implied = number_list_implied,
    .print = direction_print,
};
