/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of [tun] and [divert]: links, prefixes, users and ports, without negation. */
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

/* "eth0, wlan0": names of devices, which need not be there; zeroed behind their end. */
int value_list_links(const char *text, char (**ret_items)[IFNAMSIZ], size_t *ret_count,
                     struct value_error *error);

/* In the forms that the above read. */
void value_print_prefixes(const struct ip_prefix *prefixes, size_t count, FILE *out);
void value_print_uids(const struct uid_range *uids, size_t count, FILE *out);
void value_print_ports(const struct port_exclusion *ports, size_t count, FILE *out);
void value_print_links(char (*links)[IFNAMSIZ], size_t count, FILE *out);

#endif
