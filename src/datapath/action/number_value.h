/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One number: the value of most edits. */
#ifndef IPMODD_DATAPATH_ACTION_NUMBER_VALUE_H
#define IPMODD_DATAPATH_ACTION_NUMBER_VALUE_H

#include "ipmodd/datapath/value.h"

struct number_value {
    uint32_t number;
};

/*
 * TEXT to a struct number_value in *RET_VALUE, owned by the caller through free(). 0, -EINVAL with
 * ERROR filled, or -ENOMEM.
 */
int number_value_parse(const char *text, const struct value_domain *domain, void **ret_value,
                       struct value_error *error);

void number_value_print(const struct number_value *value, const struct value_domain *domain,
                        FILE *out);

#endif
