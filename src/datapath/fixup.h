/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fixup: checksums made true again for what was edited, once a packet, from the books alone.
 *
 * Everything special about checksums is here and nowhere else:
 *   - a UDP or UDP-Lite checksum of 0 means none and stays 0; a computed 0 is sent as 0xffff
 *     (RFC 768, RFC 3828 3.1, RFC 8200 8.1; zero over IPv6: RFC 6935);
 *   - ICMP covers no pseudo-header, ICMPv6 does (RFC 4443 2.3);
 *   - a first fragment carries the checksum of the whole datagram, so differences are booked there;
 *     later fragments have no checksum, what was edited in them is repaired in the first. The one
 *     thing that cannot be repaired is a first fragment too short to hold its checksum field;
 *   - SCTP has a CRC-32C without pseudo-header (RFC 9260 6.8); 0 means none (RFC 9653) and stays;
 *   - a source route hides the final destination that the pseudo-header has, and an IPv6 option
 *     the home address of a mobile node: such checksums are repaired (edit.h books nothing for the
 *     next stop or the care-of address), but not verified;
 *   - a partial checksum (wire/virtio_net.h) is the sum of the pseudo-header and stays that: a
 *     change of addresses is added as it is, not complemented, and no other change concerns it. It
 *     is right by definition;
 *   - the checksum of a protocol that is not known keeps its bytes.
 */
#ifndef IPMODD_DATAPATH_FIXUP_H
#define IPMODD_DATAPATH_FIXUP_H

#include "ipmodd/datapath/packet.h"

/* Where a protocol has its internet checksum, and what is special about it. */
struct checksum_kind {
    size_t place; /* of the field in the upper-layer header */
    bool pseudo;  /* covers a pseudo-header */
    bool zero_is_none;
};

/* NULL for a protocol without one. */
const struct checksum_kind *checksum_kind_of(enum ip_family family, uint8_t proto);

/* A complete CHECKSUM after changes of the pseudo-header and of what else it covers. */
uint16_t checksum_repair(const struct checksum_kind *kind, uint16_t checksum, uint16_t pseudo,
                         uint16_t l4);

/* Of a packet that was edited. */
void fixup_repair(struct packet *packet);

/* Repairs what the books of PACKET say and closes them. */
static inline void fixup_packet(struct packet *packet)
{
    if ((packet->flags & PACKET_EDITED) != 0)
        fixup_repair(packet);
}

/*
 * Whether a checksum of PACKET, whose books are closed, can be verified and is wrong: a host that
 * received it would act as if nothing had come. Reads the payload.
 */
bool fixup_is_damaged(const struct packet *packet);

/*
 * Makes a partial checksum of PACKET, whose books are closed, a complete one; any other stays as it
 * is. Reads the payload.
 */
void fixup_complete(struct packet *packet);

/*
 * How many bytes, from the upper-layer header on, the checksum of PACKET covers. In a first
 * fragment they may be more than there are.
 */
size_t fixup_covered(const struct packet *packet);

/* Of the pseudo-header of PACKET, were its upper-layer header and payload LENGTH bytes long. */
uint16_t fixup_pseudo_sum(const struct packet *packet, size_t length);

/* For packets made here: the IPv4 header checksum, and a TCP or ICMP checksum, from nothing. */
void fixup_fill_ip_header(struct packet *packet);
void fixup_fill_l4(struct packet *packet);

#endif
