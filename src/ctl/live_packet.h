/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live packet, as an event of the daemon tells it: its bytes before and after, as far as they
 * were told, and what can be read in them. What lies behind a snap length counts as zeros, so that
 * headers can be read all the same.
 */
#ifndef IPMODD_CTL_LIVE_PACKET_H
#define IPMODD_CTL_LIVE_PACKET_H

#include "ipmodd/datapath/packet.h"
#include "ipmodd/explain/explain.h"

#include <jansson.h>

enum { LIVE_PACKET_MAX = 65536 }; /* bytes of a packet */

/* One of the two. */
struct live_bytes {
    uint8_t data[LIVE_PACKET_MAX];
    size_t length;   /* of the packet */
    size_t captured; /* of its bytes */
    bool is_parsed;
    struct packet packet; /* with is_parsed */
};

struct live_packet {
    const json_t *event; /* borrowed */
    uint64_t time_ns;    /* since 1970-01-01 00:00 UTC */
    struct live_bytes before;
    bool is_edited;
    struct live_bytes after; /* with is_edited */
    struct changes changes;  /* with is_edited; checksums left out */
};

/* EVENT, of the kind `packet`, which PACKET borrows. 0, -EINVAL for something else, or -ENOMEM. */
int live_packet_read(struct live_packet *packet, const json_t *event);

/* Frees what packet->changes has. */
void live_packet_clear(struct live_packet *packet);

/* "12:00:00.000001": the time of day of this host. */
void live_print_time(uint64_t time_ns, FILE *out);

/* "out", "drop (policy)", "split into 3", "answer". */
void live_packet_print_verdict(const struct live_packet *packet, FILE *out);

/* "dscp cs0 -> ef, ttl 64 -> 9"; nothing without a change. */
void live_packet_print_changes(const struct live_packet *packet, FILE *out);

/* ", flow rule=web src=…", as flow_text.h has it; nothing where no flow translates it. */
void live_packet_print_flow(const struct live_packet *packet, FILE *out);

/* A line about it, much as tcpdump(8) has it: "12:00:00.000001 out IP A.1 > B.53: UDP, …". */
void live_packet_print(const struct live_packet *packet, bool colour, FILE *out);

#endif
