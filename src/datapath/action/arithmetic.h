/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A number that an edit computes from the one that the packet has: `N`, `+N`, `-N`, `min N`, `max
 * N`. The result stays within the domain: arithmetic saturates.
 */
#ifndef IPMODD_DATAPATH_ACTION_ARITHMETIC_H
#define IPMODD_DATAPATH_ACTION_ARITHMETIC_H

#include "ipmodd/datapath/value.h"

enum arithmetic_operation {
    ARITHMETIC_SET,   /* "64" */
    ARITHMETIC_ADD,   /* "+1" */
    ARITHMETIC_TAKE,  /* "-1" */
    ARITHMETIC_FLOOR, /* "min 8": raised to it where lower */
    ARITHMETIC_CEIL,  /* "max 64": lowered to it where higher */
    ARITHMETIC_COUNT,
};

struct arithmetic {
    enum arithmetic_operation operation;
    uint32_t number;
};

/*
 * TEXT to a struct arithmetic in *RET_VALUE, owned by the caller through free(). 0, -EINVAL with
 * ERROR filled, or -ENOMEM.
 */
int arithmetic_parse(const char *text, const struct value_domain *domain, void **ret_value,
                     struct value_error *error);

/* What becomes of OLD. */
uint32_t arithmetic_apply(const struct arithmetic *value, const struct value_domain *domain,
                          uint32_t old);

void arithmetic_print(const struct arithmetic *value, FILE *out);

#endif
