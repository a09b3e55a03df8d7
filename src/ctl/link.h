/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Link layers of captures: what stands in front of the IP packet in each frame.
 *
 * A frame is looked at only as far as it takes to find the IP packet: VLAN tags (802.1Q, 802.1ad,
 * any number) are walked over and stay. A frame without an IP packet, or too short to tell, is none
 * of the pipeline's business.
 */
#ifndef IPMODD_CTL_LINK_H
#define IPMODD_CTL_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum link_type {
    LINK_RAW,      /* the IP packet alone */
    LINK_ETHERNET, /* with or without VLAN tags, no checksum behind */
    LINK_SLL,      /* Linux cooked, version 1: what `tcpdump -i any` wrote for long */
    LINK_SLL2,     /* Linux cooked, version 2 */
    LINK_NULL,     /* BSD loopback: a family in the byte order of the host that captured */
    LINK_LOOP,     /* OpenBSD loopback: the same in network order */
    LINK_TYPE_COUNT,
};

/* "Ethernet", "Linux cooked v2". */
const char *link_type_name(enum link_type type);

/* Whether FRAME has an IP packet: then its offset. */
bool link_find_ip(enum link_type type, const uint8_t *frame, size_t length, size_t *ret_offset);

/*
 * Makes the header of a frame that of an answer to it. Ethernet: source and destination change
 * places. Cooked: from the host becomes to the host and the reverse, and the address, which was
 * that of the other sender, is forgotten. FRAME is one that link_find_ip() found a packet in.
 */
void link_turn_round(enum link_type type, uint8_t *frame);

#endif
