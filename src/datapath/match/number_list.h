/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of numbers and ranges: the value of most matches.
 *
 * They hold by the list rule (list.h). A list that can hold for no number at all is refused.
 */
#ifndef IPMODD_DATAPATH_MATCH_NUMBER_LIST_H
#define IPMODD_DATAPATH_MATCH_NUMBER_LIST_H

#include "ipmodd/datapath/value.h"

struct number_item {
    uint32_t first, last; /* inclusive */
    bool negated;
};

struct number_list {
    size_t count;
    struct number_item items[];
};

/*
 * TEXT to a struct number_list in *RET_LIST, owned by the caller through free(). 0, -EINVAL with
 * ERROR filled, or -ENOMEM.
 */
int number_list_parse(const char *text, const struct value_domain *domain, void **ret_list,
                      struct value_error *error);

bool number_list_holds(const struct number_list *list, uint32_t number);

/* For a match on "one of the two": an item holds if it holds for A or for B. */
bool number_list_holds_either(const struct number_list *list, uint32_t a, uint32_t b);

void number_list_print(const struct number_list *list, const struct value_domain *domain,
                       FILE *out);

#endif
