/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Setters: the only way in which a parsed packet's header is changed.
 *
 * A setter writes the new value and adds the difference to the packet's books (struct
 * checksum_delta): the sum of what came minus the sum of what went, in 16-bit one's complement (RFC
 * 1624, equation 3). It computes no checksum; fixup.c does so once for the packet, from the books
 * alone, so that a right checksum stays right, a wrong one stays wrong, and no byte of payload is
 * read.
 *
 * A setter that cannot apply to the packet (another family, no such header, a later fragment)
 * changes nothing and returns false. Values are in host order unless they are called bytes.
 */
#ifndef IPMODD_DATAPATH_EDIT_H
#define IPMODD_DATAPATH_EDIT_H

#include "ipmodd/datapath/packet.h"

bool edit_src(struct packet *packet, const struct ip_addr *addr);
bool edit_dst(struct packet *packet, const struct ip_addr *addr);

/*
 * TCP, UDP, UDP-Lite, SCTP, DCCP with their header. Not the first fragment of an SCTP packet: how
 * its CRC changes depends on the length of the whole, which the fragment does not tell.
 */
bool edit_sport(struct packet *packet, uint16_t port);
bool edit_dport(struct packet *packet, uint16_t port);

/* The identifier of an ICMP query or its reply; the packet is one. */
bool edit_icmp_id(struct packet *packet, uint16_t id);

/* TTL or hop limit. */
bool edit_ttl(struct packet *packet, uint8_t ttl);

/* The whole TOS or traffic class byte. */
bool edit_tos(struct packet *packet, uint8_t tos);

/* The don't-fragment bit; IPv4 alone. Clearing it leaves the identification as it is. */
bool edit_df(struct packet *packet, bool df);

/* The identification; IPv4 alone. */
bool edit_ip_id(struct packet *packet, uint16_t id);

/* 20 bits; IPv6 alone. */
bool edit_flow_label(struct packet *packet, uint32_t label);

/* The window field, unscaled, and the eight control bits; TCP with its header. */
bool edit_tcp_window(struct packet *packet, uint16_t window);
bool edit_tcp_flags(struct packet *packet, uint8_t flags);

/*
 * LENGTH bytes at OFFSET of the payload (packet_has_payload()). False when they do not all lie in
 * it, and for the first fragment of an SCTP packet. One wire packet.
 */
bool edit_payload(struct packet *packet, size_t offset, const uint8_t *bytes, size_t length);

/*
 * Writes NOPs over each TCP option with a value for whose kind UNWANTED, called with VALUE, holds.
 * False when there is none.
 */
bool edit_strip_tcp_options(struct packet *packet,
                            bool (*unwanted)(const void *value, uint8_t kind), const void *value);

/* The value of the MSS option; false without one, or when the packet is no SYN (RFC 9293 3.7.1). */
bool edit_tcp_mss(struct packet *packet, uint16_t mss);

/* The MSS option's value in *RET_MSS; false without one, or when the packet is no TCP SYN. */
bool packet_tcp_mss(const struct packet *packet, uint16_t *ret_mss);

#endif
