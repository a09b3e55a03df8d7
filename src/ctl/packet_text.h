/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets as people write them:
 *
 *   tcp 192.0.2.1:1234 > 198.51.100.2:80 flags S ttl 64 payload "GET /"
 *   udp [2001:db8::1]:4000 > [2001:db8::2]:53 dscp ef
 *   icmp 192.0.2.1 > 198.51.100.2 type echo-request
 *   47 192.0.2.1 > 198.51.100.2 length 100
 *
 * Protocol, source, `>`, destination, then words with their values in any order, each once. What is
 * not said is what a plain packet has (ipmodctl(8)). The result is a whole packet with right
 * checksums: what is damaged or a fragment is taken from a capture or written as hex.
 */
#ifndef IPMODD_CTL_PACKET_TEXT_H
#define IPMODD_CTL_PACKET_TEXT_H

#include "ipmodd/datapath/value.h"

#include <sys/types.h>

enum { PACKET_TEXT_MAX = 65535 }; /* bytes of a packet */

/*
 * The packet that TEXT describes in BYTES. Its length, or -EINVAL with ERROR filled, or -ENOMEM.
 */
ssize_t packet_text_parse(const char *text, uint8_t bytes[static PACKET_TEXT_MAX],
                          struct value_error *error);

/*
 * Hex digits with blanks and colons between bytes wherever they stand, and line numbers as
 * `tcpdump -x` has them (0x0010:). The number of bytes, or -EINVAL with ERROR filled.
 */
ssize_t packet_text_parse_hex(const char *text, uint8_t bytes[static PACKET_TEXT_MAX],
                              struct value_error *error);

#endif
