/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fragment: whether the packet is a part of a datagram, and which. */
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/number_list.h"

#include <stdlib.h>

enum fragment_class {
    FRAGMENT_NONE,
    FRAGMENT_FIRST,
    FRAGMENT_LATER,
};

static const struct value_name fragment_names[] = {
    {"yes", FRAGMENT_FIRST, FRAGMENT_LATER},
    {"no", FRAGMENT_NONE, FRAGMENT_NONE},
    {"first", FRAGMENT_FIRST, FRAGMENT_FIRST},
    {"later", FRAGMENT_LATER, FRAGMENT_LATER},
};

static const struct value_domain fragment_domain = {.noun = "a fragment kind",
                                                    .max = FRAGMENT_LATER,
                                                    .names = fragment_names,
                                                    .name_count = ARRAY_SIZE(fragment_names),
                                                    .names_only = true};

static int fragment_parse(const char *text, const struct scope *scope, void **ret_value,
                          struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &fragment_domain, ret_value, error);
}

static enum fragment_class fragment_class(const struct packet *packet)
{
    if (packet->flags & PACKET_LATER_FRAGMENT)
        return FRAGMENT_LATER;
    return packet->flags & PACKET_FRAGMENT ? FRAGMENT_FIRST : FRAGMENT_NONE;
}

static bool fragment_test(const void *value, const struct match_context *context,
                          const struct packet *packet)
{
    (void)context;
    return number_list_holds(value, fragment_class(packet));
}

static void fragment_print(const void *value, FILE *out)
{
    number_list_print(value, &fragment_domain, out);
}

const struct match_type match_fragment = {
    .key = "fragment",
    .grammar = "yes, no, first, later",
    .parse = fragment_parse,
    .free = free,
    .test = fragment_test,
    .reads = FIELD_BIT(FIELD_FRAGMENT),
    .implied = number_list_implied,
    .holds_always = number_list_holds_always,
    .print = fragment_print,
};
