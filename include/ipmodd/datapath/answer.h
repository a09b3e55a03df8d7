/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers: packets made here in reply to a diverted one: forged echo replies, TCP resets, ICMP
 * errors.
 *
 * An answer takes a slot of the batch that is being worked on and is written with it. Answers to
 * rejected packets obey the rules on when none may be made (RFC 1122 3.2.2, RFC 1812 4.3.2.7, RFC
 * 4443 2.4 e, RFC 9293 3.5.2) and a token bucket of 1,000 a second with a burst of 100, one for the
 * whole path.
 *
 * An answer's source is the address that was asked, as from the host that the packet was meant for.
 * It speaks about the packet as it is at that rule, edits of earlier rules included, and of a
 * translated flow with the addresses that its receiver knows: those of what it sent. Its flow is
 * that packet's, which it goes the other way and in which it does not count. A packet with a wrong
 * checksum gets none, as from a host that throws it away unread.
 */
#ifndef IPMODD_DATAPATH_ANSWER_H
#define IPMODD_DATAPATH_ANSWER_H

#include "ipmodd/datapath/packet.h"

struct answerer;

/* How `verdict = reject` refuses. */
enum reject_kind {
    REJECT_DEFAULT, /* TCP reset for TCP, port unreachable for the rest */
    REJECT_TCP_RESET,
    REJECT_PORT_UNREACHABLE,
    REJECT_HOST_UNREACHABLE,  /* ICMPv6: address unreachable */
    REJECT_NET_UNREACHABLE,   /* ICMPv6: no route */
    REJECT_PROTO_UNREACHABLE, /* IPv4 alone */
    REJECT_ADMIN_PROHIBITED,
    REJECT_KIND_COUNT,
};

/* "tcp-reset", "port-unreachable", …; "" for REJECT_DEFAULT. */
const char *reject_kind_name(enum reject_kind kind);

/*
 * Refuses PACKET: its fate becomes FATE_DROP with REASON_REJECTED, REASON_REJECT_SILENT or
 * REASON_REJECT_LIMITED.
 */
void answer_reject(struct answerer *answerer, struct packet *packet, enum reject_kind kind);

/*
 * Answers an unfragmented ICMP or ICMPv6 echo request to a unicast address: the fate becomes
 * FATE_DROP with REASON_ANSWERED. False, and nothing done, for any other packet.
 */
bool answer_echo(struct answerer *answerer, struct packet *packet);

#endif
