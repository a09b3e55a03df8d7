/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation: another source or destination for all packets of a flow, and back for those that
 * answer (RFC 2663, RFC 3022).
 *
 * A rule's action changes nothing by itself. It notes on the packet what is to become of it (struct
 * translation_note), one note for the source and one for the destination; the first rule that
 * speaks of one of them decides about it. When the first packet of a flow leaves, the notes decide
 * the REPLY tuple of its flow, once and for all: from then on every packet of the flow is known by
 * its tuple and translated alike, whatever rules say about it later. A flow whose first packet is
 * dropped is not decided yet, and the next packet may be its first.
 *
 * Rules see packets as the application does: before translation on the way out, after it on the way
 * in. So, of the two ends of a flow,
 *   - the end that began it (its source) is translated after the rules in ORIGINAL packets and
 *     before them in REPLY packets;
 *   - so is the other end (its destination) where a rule translates it; where a mapping does (see
 *     below) it is the other way round: such a flow comes from outside.
 *
 * Ports. A mapping (RFC 4787 4.1) gives an internal address and port an external one: all flows of
 * that internal side and rule share it (endpoint-independent mapping; or, by `nat-mapping`, all to
 * the same address, or each its own). No two mappings have the same external address and port of
 * one protocol at a time: ports are never overloaded. A port is kept when it is free, otherwise
 * another is looked for from a place that a secret hash of both ends gives (RFC 6056 3.3.3), in the
 * same class of ports (0 to 1023, and the others) and, for UDP, of the same parity first (RFC 4787
 * REQ-3, REQ-4); `random` starts anywhere. When none is free the packet
 * is refused (nat-exhausted) and answered with ICMP, and the next one tries again. So is one whose
 * source has as many ports as `nat-ports` allows, or whose mapping has as many flows as `nat-flows`
 * does (nat-limit; RFC 6888 REQ-4, REQ-5). What is for a port here is the identifier of an ICMP
 * query (RFC 5508). Other protocols have their addresses translated alone.
 *
 * Filtering (RFC 4787 5). A packet from outside to the external address and port of a mapping
 * begins a flow to the internal side, from anybody, or by `nat-filtering` only from an address or
 * an address and port that the internal side has sent to, and as long as the mapping may have more
 * flows. Others are dropped (nat-filtered): a port that is mapped is not the host's own.
 *
 * The mapping ends with the last of its flows. A flow and its translation outlive the rule that
 * began it, and a reload.
 *
 * ICMP errors about a packet of a translated flow are translated with the packet that they quote
 * (RFC 5508 4), as much of it as there is.
 *
 * What is not done here: nothing in the payload is translated (no FTP, no SIP).
 */
#ifndef IPMODD_DATAPATH_TRANSLATION_H
#define IPMODD_DATAPATH_TRANSLATION_H

#include "ipmodd/datapath/address_range.h"
#include "ipmodd/datapath/packet.h"

enum translation_kind {
    TRANSLATION_SNAT,       /* the source becomes one of `addresses` */
    TRANSLATION_DNAT,       /* the destination does */
    TRANSLATION_MASQUERADE, /* the source becomes that which this host has on the way */
    TRANSLATION_REDIRECT,   /* the destination becomes this host */
    TRANSLATION_NETMAP_SRC, /* the source's prefix becomes `prefix` */
    TRANSLATION_NETMAP_DST,
};

/* The value of an action that translates. */
struct translation {
    enum translation_kind kind;
    struct address_range addresses;
    struct ip_prefix prefix;
    bool has_ports;
    uint16_t first_port, last_port; /* with has_ports */
    bool random;                    /* begin the search for a port anywhere */
    bool persistent;                /* of several addresses a host has never but one */
};

/* Which end of a packet it is about. */
enum packet_end translation_end(const struct translation *translation);

#endif
