/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP (RFC 792) and ICMPv6 (RFC 4443) header layout: offsets in bytes, types and codes used here.
 */
#ifndef IPMODD_WIRE_ICMP_H
#define IPMODD_WIRE_ICMP_H

enum {
    ICMP_MSG_TYPE = 0,
    ICMP_MSG_CODE = 1,
    ICMP_MSG_CHECKSUM = 2,
    ICMP_MSG_ID = 4,     /* of a query: identifier (RFC 792, RFC 4443 4.1) */
    ICMP_MSG_HEADER = 8, /* of errors and queries; an error's quote follows it */
};

enum {
    ICMP4_ECHO_REPLY = 0,
    ICMP4_UNREACHABLE = 3,
    ICMP4_SOURCE_QUENCH = 4,
    ICMP4_REDIRECT = 5,
    ICMP4_ECHO_REQUEST = 8,
    ICMP4_TIME_EXCEEDED = 11,
    ICMP4_PARAMETER_PROBLEM = 12,
};

/* Codes of ICMP4_UNREACHABLE (RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1). */
enum {
    ICMP4_CODE_NET = 0,
    ICMP4_CODE_HOST = 1,
    ICMP4_CODE_PROTO = 2,
    ICMP4_CODE_PORT = 3,
    ICMP4_CODE_PROHIBITED = 13,
};

enum {
    ICMP6_UNREACHABLE = 1,
    ICMP6_INFORMATIONAL = 128, /* types below it are errors (RFC 4443 2.1) */
    ICMP6_ECHO_REQUEST = 128,
    ICMP6_ECHO_REPLY = 129,
    ICMP6_REDIRECT = 137,
};

/* Codes of ICMP6_UNREACHABLE (RFC 4443 3.1). */
enum {
    ICMP6_CODE_NO_ROUTE = 0,
    ICMP6_CODE_PROHIBITED = 1,
    ICMP6_CODE_ADDRESS = 3,
    ICMP6_CODE_PORT = 4,
};

#endif
