/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One number as the value of an action. */
#include "number_value.h"

#include <errno.h>
#include <stdlib.h>

int number_value_parse(const char *text, const struct value_domain *domain, void **ret_value,
                       struct value_error *error)
{
    struct number_value *value;
    uint32_t number;
    int r = value_parse_number(text, domain, &number, error);

    if (r < 0)
        return r;
    value = calloc(1, sizeof(*value));
    if (value == NULL)
        return -ENOMEM;
    value->number = number;
    *ret_value = value;
    return 0;
}

void number_value_print(const struct number_value *value, const struct value_domain *domain,
                        FILE *out)
{
    value_print_range(domain, value->number, value->number, out);
}
