/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Quote: the beginning of a packet inside an ICMP error (RFC 792, RFC 4443 2.4 c).
 *
 * It is what some host saw of a packet that it could not deliver, cut off anywhere behind eight
 * bytes of its payload (RFC 792) and often later, with a total length that speaks of the whole. So
 * nothing here compares lengths inside with what is there; only what is read has to be there.
 */
#ifndef IPMODD_DATAPATH_FLOW_QUOTE_H
#define IPMODD_DATAPATH_FLOW_QUOTE_H

#include "ipmodd/datapath/packet.h"

struct quote {
    size_t ip_offset; /* all from the first byte of the outer packet */
    size_t l4_offset;
    size_t end;
    enum ip_family family;
    uint8_t proto;
};

/* Whether PACKET, parsed, is an ICMP or ICMPv6 error with its header. */
bool quote_is_error(const struct packet *packet);

/*
 * The same of a fragment. Behind the first one nothing tells what the error is about, and nobody
 * sends such errors in parts: they are short (RFC 1812 4.3.2.3, RFC 4443 2.4 c). While flows are
 * translated that it may be about, sent on as it is it would tell addresses that it must not.
 */
bool quote_is_part_of_error(const struct packet *packet);

/*
 * What PACKET, such an error, quotes. False when headers up to that of the upper layer are not all
 * there, of another family than the error itself, or of a later fragment.
 */
bool quote_find(const struct packet *packet, struct quote *ret_quote);

#endif
