/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parse: from bytes to offsets of every layer, or the name of what is wrong with them.
 *
 * Each header has a function that validates in the order of its RFC and stops at the first fault.
 * Nothing beyond the packet's own length fields is looked at, no checksum is verified (a wrong one
 * is none of our business and stays wrong), and the work is bounded by the packet's headers: at
 * most eight extension headers are followed.
 *
 * Fragments: only the first one has an upper-layer header. One that ends within it is accepted as
 * PACKET_TINY_FRAGMENT without PACKET_HAS_L4, so that no rule on ports ever reads data as ports;
 * fragments.h decides what becomes of it.
 */
#ifndef IPMODD_DATAPATH_PARSE_H
#define IPMODD_DATAPATH_PARSE_H

#include "ipmodd/datapath/packet.h"

/*
 * PACKET has its data, length and capacity, all else zero. REASON_NONE, or the fault found: then
 * only what PACKET_HAS_IP vouches for may be read, and the packet must not be edited.
 */
enum reason parse_packet(struct packet *packet);

#endif
