/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet as a form with its fields filled in, and the bytes that it stands for. */
#ifndef IPMODD_CTL_PACKET_FORM_H
#define IPMODD_CTL_PACKET_FORM_H

#include "ipmodd/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct packet_form {
    struct ip_addr src, dst; /* of one family */
    uint8_t proto;
    uint8_t ttl, dscp, ecn;
    bool df;
    uint16_t ip_id;
    uint32_t flow_label;
    uint16_t sport, dport;
    uint8_t tcp_flags;
    uint32_t seq, ack;
    uint16_t window;
    uint16_t mss; /* 0: no option */
    uint8_t icmp_type, icmp_code;
    const uint8_t *payload; /* borrowed */
    size_t payload_length;
    size_t length; /* of the whole packet, zeros behind the payload; 0: as long as it takes */
};

/* Whether PROTO has ports, and whether it is ICMP over FAMILY. */
bool packet_form_has_ports(uint8_t proto);
bool packet_form_is_icmp(uint8_t proto, enum ip_family family);

/* Bytes of the headers that FORM takes. */
size_t packet_form_headers(const struct packet_form *form);

/*
 * The packet in BYTES, with right checksums. Its length; 0 when that would be more than ROOM, or
 * when `length` is too short for headers and payload.
 */
size_t packet_form_build(const struct packet_form *form, uint8_t *bytes, size_t room);

#endif
