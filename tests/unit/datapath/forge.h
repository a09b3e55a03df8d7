/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forge: packets for tests, layer by layer, with checksums of its own making.
 *
 * Sums and CRCs here are the naive ones, word by word and bit by bit, and share nothing with
 * src/wire; what they call right is right by the letter of the RFCs. Offsets are known from
 * building and never asked of the parser.
 */
#ifndef IPMODD_TESTS_FORGE_H
#define IPMODD_TESTS_FORGE_H

#include "../random.h"
#include "ipmodd/datapath/packet.h"

enum { FORGED_MAX = 70000 };

struct forged {
    uint8_t bytes[FORGED_MAX];
    size_t length;
    size_t l4; /* offset of the upper-layer header */
    enum ip_family family;
    uint8_t proto;
};

/* 192.0.2.1 > 198.51.100.2, 2001:db8:1::1 > 2001:db8:2::2; TTL 64. */
void forge_ip(struct forged *forged, enum ip_family family, uint8_t proto);

/* Appends COUNT bytes; options of IPv4 raise its header length. */
void forge_bytes(struct forged *forged, const void *bytes, size_t count);
void forge_ip4_options(struct forged *forged, const void *bytes, size_t count);

/* Appends an IPv6 extension header of KIND with BODY (behind its first two bytes) and links it. */
void forge_extension(struct forged *forged, uint8_t kind, const void *body, size_t count);
/* COUNT bytes of data that start with a fragment header or, with IPv4, are marked in the header. */
void forge_fragment(struct forged *forged, size_t offset, bool more);

/* Upper-layer headers with ports 1234 > 80 and PAYLOAD bytes of 0, 1, 2 … behind them. */
void forge_tcp(struct forged *forged, uint8_t flags, const void *options, size_t option_count,
               size_t payload);
void forge_udp(struct forged *forged, size_t payload);
void forge_sctp(struct forged *forged, size_t payload);
void forge_dccp(struct forged *forged, size_t payload);
/* ICMP or ICMPv6 by the packet's family. */
void forge_icmp(struct forged *forged, uint8_t type, uint8_t code, size_t payload);
/* The header of `proto`, whichever it is. */
void forge_l4(struct forged *forged, size_t payload);

/* Lengths and checksums of all that is there so far. */
void forge_seal(struct forged *forged);
void forge_seal_ip(struct forged *forged);

/* Anything between a good packet and noise, of either family. */
void forge_anything(struct forged *forged, struct random *random);

/*
 * As the kernel leaves it to a tun device: the checksum of TCP or UDP partial and, with a GSO_SIZE
 * other than 0, a super-packet. What the kernel says about it.
 */
struct virtio_net forge_seal_partial(struct forged *forged, uint16_t gso_size);

/* A packet over the bytes, not parsed; and parsed, which must succeed. */
struct packet forged_raw(struct forged *forged);
struct packet forged_packet(struct forged *forged);

/* What the bytes of a packet ought to have, by the naive sums; the fields count as zero. */
uint16_t naive_ip4_checksum(const uint8_t *bytes);
uint32_t naive_l4_checksum(const uint8_t *bytes, size_t length, enum ip_family family,
                           uint8_t proto, size_t l4);

/* What they have; 32 bits for SCTP, least significant byte first. */
uint32_t stored_l4_checksum(const uint8_t *bytes, uint8_t proto, size_t l4);
/* Offset of that field in its header; its size in bytes. */
size_t l4_checksum_place(uint8_t proto);

/* Both the IPv4 header checksum and the upper-layer one are right. */
bool checksums_are_right(const uint8_t *bytes, size_t length, enum ip_family family, uint8_t proto,
                         size_t l4);

#endif
