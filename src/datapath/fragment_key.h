/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragment key: which datagram a fragment is of (RFC 791 2.3, RFC 8200 4.5): family, source,
 * destination, identification and, in IPv4, protocol, as the fragment arrived.
 */
#ifndef IPMODD_DATAPATH_FRAGMENT_KEY_H
#define IPMODD_DATAPATH_FRAGMENT_KEY_H

#include "ipmodd/datapath/packet.h"

/* Equal ones are equal memory; it is hashed as bytes. Addresses of IPv4 have zeros behind them. */
struct fragment_key {
    uint8_t src[16], dst[16];
    uint32_t id;
    uint8_t family;
    uint8_t proto; /* 0 in IPv6 */
    uint8_t zeros[2];
};

/* Of PACKET, which has PACKET_FRAGMENT and no edit. */
struct fragment_key fragment_key_of(const struct packet *packet);

bool fragment_key_equal(const struct fragment_key *a, const struct fragment_key *b);

#endif
