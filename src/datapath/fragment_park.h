/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragment park: where later fragments wait that have overtaken the first one of their datagram
 * (RFC 4787 REQ-14).
 *
 * What becomes of a later fragment is what becomes of its first one (fragments.h). Where that
 * depends on what the first one alone has, one that comes before it waits here until it comes, and
 * then goes through the rules right behind it, as if it had come then: what leaves is a sequence
 * that could have arrived, so all that fragments.h says about hostile ones holds. A packet waits as
 * it arrived and knows of no rule and no flow: a reload in between leaves nothing behind.
 *
 * A fragment without its first one costs its sender nothing, so the park is small (RFC 4787 REQ-14
 * a): PARK_FRAGMENTS packets of at most PARK_BYTES each, in memory that is there from the start,
 * for PARK_WAIT_NS. When it is full, the source that has the most packets in it gives up its oldest
 * one (McKenney, Stochastic Fairness Queueing, 1990): who floods it from one address, or from the
 * addresses of one IPv6 network of 64 bits, pushes out his own. Sources are told apart by a seeded
 * hash. From many addresses at once a flood shortens the time that others may wait to that in which
 * it fills the park; fragments that are out of order are so by less, as a rule.
 *
 * The time is over on an idle wire too: path_expires_ns() says when, and who has the path sees to
 * it. It is shorter than what receivers wait (15 seconds of RFC 791 3.2, 60 of RFC 8200 4.5), so
 * nothing reaches one that has given up; nobody is told of it, as no first fragment came (RFC 792,
 * RFC 8200 4.5).
 *
 * A packet that goes on stays where it is, for its bytes to be written, until the next batch
 * begins.
 */
#ifndef IPMODD_DATAPATH_FRAGMENT_PARK_H
#define IPMODD_DATAPATH_FRAGMENT_PARK_H

#include "fragment_key.h"

enum {
    PARK_FRAGMENTS = 256,
    PARK_BYTES = 9216, /* of one packet: Ethernet's jumbo frames */
};

#define PARK_WAIT_NS UINT64_C(5000000000)

struct fragment_park;

/* An empty one; NULL without memory. */
struct fragment_park *fragment_park_new(void);
void fragment_park_free(struct fragment_park *park);

/* Tells sources apart by a hash with another SEED; only while nobody waits. */
void fragment_park_seed(struct fragment_park *park, uint64_t seed);

/* A new batch, at NOW_NS (monotonic): packets that were taken out in the last one are void. */
void fragment_park_begin(struct fragment_park *park, uint64_t now_ns);

/* Packets that wait. */
size_t fragment_park_count(const struct fragment_park *park);

/* When the first of them has waited for its time (monotonic); UINT64_MAX: there is none. */
uint64_t fragment_park_expires_ns(const struct fragment_park *park);

/*
 * Take a packet out, which is then as when it was read: its bytes, what the kernel said about them,
 * and PACKET_WAITED. NULL for none.
 *
 * The first to come of those that wait for the datagram of KEY; valid until the next batch.
 */
struct packet *fragment_park_take(struct fragment_park *park, const struct fragment_key *key);
/* One that has waited for its time, or one that has to make room before another can be put in;
 * valid until then. */
struct packet *fragment_park_take_expired(struct fragment_park *park);
struct packet *fragment_park_take_surplus(struct fragment_park *park);

/* Keeps a copy of PACKET, an unchanged later fragment. False when there is no room for it. */
bool fragment_park_put(struct fragment_park *park, const struct packet *packet);

#endif
