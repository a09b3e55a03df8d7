/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One number as the value of an action. */
#include "number_value.h"

int number_value_parse(const char *text, const struct value_domain *domain, void **ret_value,
                       struct value_error *error)
{
    struct number_value value;
    int r = value_parse_number(text, domain, &value.number, error);

    if (r < 0)
        return r;
    return value_keep(&value, sizeof(value), ret_value);
}

void number_value_print(const struct number_value *value, const struct value_domain *domain,
                        FILE *out)
{
    value_print_range(domain, value->number, value->number, out);
}
