/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of ICMP and ICMPv6 types and codes, as the matches icmp-type and icmp-code have them. */
#ifndef IPMODD_DATAPATH_ICMP_NAME_H
#define IPMODD_DATAPATH_ICMP_NAME_H

#include "ipmodd/base/addr.h"

#include <stdint.h>

/* "echo-request", "port-unreachable"; NULL for a number without a name. */
const char *icmp_type_name(enum ip_family family, uint8_t type);
const char *icmp_code_name(enum ip_family family, uint8_t type, uint8_t code);

/* 0, or -ENOENT for a name that FAMILY has not. */
int icmp_type_from_name(enum ip_family family, const char *name, uint8_t *ret_type);

#endif
