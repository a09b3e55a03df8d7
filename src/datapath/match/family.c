/* SPDX-License-Identifier: GPL-2.0-or-later */
/* family: IPv4 or IPv6. */
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/number_list.h"

#include <stdlib.h>

static const struct value_name family_names[] = {
    {"ipv4", FAMILY_IPV4, FAMILY_IPV4},
    {"ipv6", FAMILY_IPV6, FAMILY_IPV6},
};

static const struct value_domain family_domain = {.noun = "a family",
                                                  .max = FAMILY_COUNT - 1,
                                                  .names = family_names,
                                                  .name_count = ARRAY_SIZE(family_names),
                                                  .names_only = true};

static int family_parse(const char *text, const struct scope *scope, void **ret_value,
                        struct value_error *error)
{
    (void)scope;
    return number_list_parse(text, &family_domain, ret_value, error);
}

static void family_narrow(const void *value, struct scope *scope)
{
    unsigned families = 0;

    for (unsigned family = 0; family < FAMILY_COUNT; family++)
        families |= number_list_holds(value, family) ? 1u << family : 0;
    scope_keep_families(scope, families);
}

static bool family_bound(const void *value, struct box *box)
{
    box->empty |= !number_list_holds(value, box->family);
    return true;
}

/* narrow() says all of it. */
static bool family_holds_always(const void *value)
{
    (void)value;
    return true;
}

static bool family_test(const void *value, const struct match_context *context,
                        const struct packet *packet)
{
    (void)context;
    return number_list_holds(value, packet->family);
}

static void family_print(const void *value, FILE *out)
{
    number_list_print(value, &family_domain, out);
}

const struct match_type match_family = {
    .key = "family",
    .grammar = "ipv4, ipv6",
    .parse = family_parse,
    .free = free,
    .narrow = family_narrow,
    .test = family_test,
    .bound = family_bound,
    .reads = FIELD_BIT(FIELD_FAMILY),
    .implied = number_list_implied,
    .holds_always = family_holds_always,
    .print = family_print,
};
