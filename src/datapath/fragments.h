/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments: what later fragments of a datagram get is what its first one got.
 *
 * Only the first fragment of a datagram has an upper-layer header. It is remembered here as it
 * arrived, and each later fragment is held against the rules with a copy of it (struct l4_shadow):
 * matches read it and edits change it, so that the same rules hold for all of them and each edit of
 * an IP header reaches all, whatever rules in between made of ports. Nothing is put together.
 *
 * A datagram is known by family, source, destination, identification and, in IPv4, protocol (RFC
 * 791 2.3, RFC 8200 4.5: the next header of later fragments may differ and does not count), before
 * any edit. It is forgotten after 30 seconds, the time that Linux gives a reassembly.
 *
 * The table has a fixed size. Its hash is seeded, a datagram has eight places, and of those the one
 * that would be forgotten first gives way. Whoever floods it gains nothing: later fragments whose
 * first one is forgotten are orphans (PACKET_ORPHAN), and so are those that overtook it. Which
 * rules hold for an orphan is not known: where one may matter, or flows are followed, it waits for
 * its first one (fragment_park.h); classify.h says what follows for the others.
 *
 * A receiver must never put together a header that no rule has seen:
 *
 *  - A first fragment that ends within its upper-layer header is refused (tiny-fragment; RFC 1858
 *    3, RFC 7112 5), so that each header is seen whole.
 *  - A later fragment that begins before the first one's data end is refused (overlapping-fragment;
 *    RFC 1858 4, RFC 3128, RFC 5722), so that none is overwritten. What overlaps behind that can
 *    change no header and is left to the receiver.
 *  - Over IPv6 a second first fragment with another header or length is refused as well: the next
 *    header of one and the data of the other would be read together. IPv4 has no chain of headers,
 *    and its 16-bit identifications come again within seconds (RFC 4963): there the new one counts.
 *
 * None of this is looked at while no rule reads the upper layer: then there is nothing to be
 * evaded.
 */
#ifndef IPMODD_DATAPATH_FRAGMENTS_H
#define IPMODD_DATAPATH_FRAGMENTS_H

#include "ipmodd/datapath/packet.h"

struct fragments;

/* An empty table; NULL without memory. */
struct fragments *fragments_new(void);
void fragments_free(struct fragments *fragments);

/* Forgets everything and places what comes by a hash with another SEED. */
void fragments_seed(struct fragments *fragments, uint64_t seed);

/* A new batch, at NOW_NS (monotonic): shadows of the last one are void. */
void fragments_begin(struct fragments *fragments, uint64_t now_ns);

/*
 * PACKET has PACKET_FRAGMENT and no edit. A first fragment is remembered; a later one gets its
 * protocol and shadow, or becomes an orphan. REASON_NONE, or why it is refused.
 */
enum reason fragments_follow(struct fragments *fragments, struct packet *packet);

/*
 * Which of COUNT paths all fragments of PACKET's datagram go to first; PACKET has PACKET_FRAGMENT
 * and no edit. The same everywhere for the same SEED.
 */
unsigned fragments_meet(const struct packet *packet, uint64_t seed, unsigned count);

#endif
