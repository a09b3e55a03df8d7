/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs of addresses as rules and sets write them: one address, a prefix, or two ends. */
#ifndef IPMODD_DATAPATH_ADDRESS_RANGE_H
#define IPMODD_DATAPATH_ADDRESS_RANGE_H

#include "ipmodd/base/addr.h"
#include "ipmodd/datapath/value.h"

/* The addresses FIRST to LAST, as numbers in wire order; both of one family. */
struct address_range {
    struct ip_addr first, last;
};

/* "A", "A/LEN" (bits behind LEN do not matter) or "A-B". 0, -EINVAL with ERROR filled, -ENOMEM. */
int address_range_parse(const char *text, struct address_range *ret_range,
                        struct value_error *error);

/* Whether the address of FAMILY at BYTES lies in it. */
static inline bool address_range_holds(const struct address_range *range, enum ip_family family,
                                       const uint8_t *bytes)
{
    address_number number;

    if (range->first.family != family)
        return false;
    number = address_number_of(family, bytes);
    return address_number_of(family, range->first.bytes) <= number &&
           number <= address_number_of(family, range->last.bytes);
}

/* As an address or prefix where it is one. */
void address_range_print(const struct address_range *range, FILE *out);

#endif
