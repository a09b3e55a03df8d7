/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of addresses of both families: the value of src, dst and host. */
#ifndef IPMODD_DATAPATH_MATCH_ADDRESS_LIST_H
#define IPMODD_DATAPATH_MATCH_ADDRESS_LIST_H

#include "ipmodd/datapath/address_range.h"
#include "ipmodd/datapath/set.h"

/* A run of addresses, or a set. */
struct address_item {
    struct address_range range;
    struct set_ref ref;
    bool negated;
};

struct address_list {
    unsigned families; /* FAMILIES_* that it can hold for */
    bool negates;      /* an item is negated */
    size_t count;
    struct address_item items[];
};

/* The list rule for "A or B", two addresses of FAMILY in wire order. */
bool address_list_holds_either(const struct address_list *list, enum ip_family family,
                               const uint8_t *a, const uint8_t *b);

/* Whether there is an address that LIST holds for; of sets that is not known, and true. */
bool address_list_can_hold(const struct address_list *list);

/* As match_type.holds_always. Of sets it is not known. */
bool address_list_holds_always(const void *value);

/*
 * As match_type.implied, for lists of source or destination alone. Of sets no more is known than
 * their names.
 */
bool address_list_implied(const void *value, const void *narrow);

#endif
