/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the TCP control bits (RFC 9293 3.1, RFC 3168 6.1), for match and action. */
#ifndef IPMODD_DATAPATH_TCP_FLAG_H
#define IPMODD_DATAPATH_TCP_FLAG_H

#include "ipmodd/datapath/value.h"

/* "syn", "syn+ack", "none": bits as packet_tcp_flags() has them. 0, -EINVAL or -ENOMEM. */
int tcp_flag_parse_set(const char *text, uint8_t *ret_bits, struct value_error *error);

/* In the same form. */
void tcp_flag_print_set(uint8_t bits, FILE *out);

#endif
