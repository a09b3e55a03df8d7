/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Echo requests (RFC 792, RFC 4443 4.1) as whole IP packets, and what comes back for them.
 *
 * Made are plain requests without options or extension headers. Read is what any host may send
 * back: a reply, or an ICMP error that quotes the request; whatever is too short or something else
 * is no answer. Fragments are none either: requests are small.
 */
#ifndef IPMODD_WIRE_ECHO_H
#define IPMODD_WIRE_ECHO_H

#include "ipmodd/base/addr.h"

enum {
    ECHO_DATA = 56,                 /* bytes of data of a request, as ping(8) has them */
    ECHO_SIZE = 40 + 8 + ECHO_DATA, /* of the longest request */
};

struct echo_request {
    struct ip_addr src, dst; /* of one family */
    uint16_t id, seq;
    uint8_t ttl;
};

/* The bytes of REQUEST, checksums included; how many. */
size_t echo_build(const struct echo_request *request, uint8_t bytes[static ECHO_SIZE]);

enum echo_kind {
    ECHO_NONE, /* neither */
    ECHO_REPLY,
    ECHO_ERROR, /* of TYPE and CODE, about a request of ours */
};

struct echo_answer {
    struct ip_addr from, to;
    uint8_t ttl; /* of the answer */
    uint8_t type, code;
    uint16_t id, seq;     /* of the request */
    struct ip_addr asked; /* whom the request was for; of an error, by its quote */
};

/* What the packet of LENGTH bytes is; RET is written unless it is ECHO_NONE. */
enum echo_kind echo_read(const uint8_t *bytes, size_t length, struct echo_answer *ret_answer);

#endif
