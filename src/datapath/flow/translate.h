/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translate: packets of a flow whose REPLY is not ORIGINAL turned round get the addresses and ports
 * of the other side of the translation (translation.h).
 *
 * Each packet passes here twice, and each of its ends is translated at one of the two stages.
 */
#ifndef IPMODD_DATAPATH_FLOW_TRANSLATE_H
#define IPMODD_DATAPATH_FLOW_TRANSLATE_H

#include "ipmodd/datapath/flow.h"

enum translation_stage {
    TRANSLATE_BEFORE_RULES,
    TRANSLATE_AFTER_RULES,
};

/*
 * PACKET has gone through track. False when something of it cannot be translated: it must not
 * leave. A packet of no flow, or of one that is not translated, is left alone.
 */
bool translate_packet(struct packet *packet, enum translation_stage stage);

/*
 * PACKET, of no flow, is moved into the prefixes that its notes name (RFC 6296: such a translator
 * needs no memory). False when it cannot be, or a note wants something else: it must not leave.
 */
bool translate_by_prefixes(struct packet *packet);

/*
 * Gives the END of what PACKET, an ICMP error, quotes another ADDRESS (of the packet's family, wire
 * order) and, with CHANGES_PORT, another PORT or query identifier; checksums that are within the
 * quote follow. False when the quote cannot be changed.
 */
bool translate_quote(struct packet *packet, enum packet_end end, const uint8_t *address,
                     bool changes_port, uint16_t port);

#endif
