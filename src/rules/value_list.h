/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of [tun] and [divert]: prefixes, users and ports, without negation. */
#ifndef IPMODD_RULES_VALUE_LIST_H
#define IPMODD_RULES_VALUE_LIST_H

#include "ipmodd/base/config.h"
#include "ipmodd/datapath/value.h"

/*
 * TEXT to an array in *RET_ITEMS, owned by the caller through free(). 0, -EINVAL with ERROR filled,
 * or -ENOMEM.
 */

/* Bits below a prefix's length are kept as written. */
int value_list_prefixes(const char *text, struct ip_prefix **ret_items, size_t *ret_count,
                        struct value_error *error);

/* "1000, 2000-2999, nobody": user names are looked up on this host, now. */
int value_list_uids(const char *text, struct uid_range **ret_items, size_t *ret_count,
                    struct value_error *error);

/* "tcp/22, udp/5000-5100". */
int value_list_ports(const char *text, struct port_exclusion **ret_items, size_t *ret_count,
                     struct value_error *error);

#endif
