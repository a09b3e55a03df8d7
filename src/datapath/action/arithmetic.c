/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers computed from those of the packet. */
#include "arithmetic.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* What stands before the number; the empty one is tried last, since every text begins with it. */
static const char *const prefixes[ARITHMETIC_COUNT] = {
    [ARITHMETIC_SET] = "",       [ARITHMETIC_ADD] = "+",     [ARITHMETIC_TAKE] = "-",
    [ARITHMETIC_FLOOR] = "min ", [ARITHMETIC_CEIL] = "max ",
};

static enum arithmetic_operation find_operation(const char *text)
{
    for (unsigned i = ARITHMETIC_COUNT - 1; i > ARITHMETIC_SET; i--) {
        if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
            return i;
    }
    return ARITHMETIC_SET;
}

int arithmetic_parse(const char *text, const struct value_domain *domain, void **ret_value,
                     struct value_error *error)
{
    struct arithmetic parsed = {.operation = find_operation(text)};
    const char *digits = text + strlen(prefixes[parsed.operation]);
    int r = value_parse_number(digits + strspn(digits, " \t"), domain, &parsed.number, error);

    if (r == -EINVAL)
        return value_refuse(error,
                            "'%.40s' is not right: N, +N, -N, min N or max N, N from %" PRIu32
                            " to %" PRIu32,
                            text, domain->min, domain->max);
    if (r < 0)
        return r;
    return value_keep(&parsed, sizeof(parsed), ret_value);
}

uint32_t arithmetic_apply(const struct arithmetic *value, const struct value_domain *domain,
                          uint32_t old)
{
    uint32_t number = value->number;

    switch (value->operation) {
    case ARITHMETIC_SET:
    case ARITHMETIC_COUNT:
        break;
    case ARITHMETIC_ADD:
        number = old + value->number;
        break;
    case ARITHMETIC_TAKE:
        number = old > value->number ? old - value->number : 0;
        break;
    case ARITHMETIC_FLOOR:
        number = MAX_OF(old, value->number);
        break;
    case ARITHMETIC_CEIL:
        number = MIN_OF(old, value->number);
        break;
    }
    return MIN_OF(MAX_OF(number, domain->min), domain->max);
}

void arithmetic_print(const struct arithmetic *value, FILE *out)
{
    fprintf(out, "%s%" PRIu32, prefixes[value->operation], value->number);
}
