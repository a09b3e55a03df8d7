/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shards: flows where several paths, each on a thread of its own, move packets.
 *
 * Each path has a flow table of its own, a shard, that no other thread touches. A flow belongs to
 * the path that its first packet came to, and all of its packets are worked on there, so that
 * everything about it is as with one thread. A packet of it that comes to another path is handed
 * over as it was read, before it counts for anything.
 *
 * That is seldom. The kernel chooses a queue by a hash that is the same for both directions, and
 * by what it learnt from writes: packets that answer what was written to a queue come by that
 * queue again (tun_flow_update() in drivers/net/tun.c), for 4096 flows that have been written to
 * within three seconds, and so do the answers to translated packets. What remains are the answers
 * of others, ICMP errors, and fragments. (Homes that follow from a hash of ours instead would have
 * three of four packets handed over with four queues, as the two hashes know nothing of each
 * other, and would need ports of translations that fit.)
 *
 * The paths share
 *   - a directory, which says for each tuple whose it is: asked without a lock about packets of no
 *     flow of the own shard, written to when flows begin and end;
 *   - the mappings of translations: flows of one client may be in several shards and still have one
 *     external port (RFC 4787 REQ-1). One lock, taken when flows begin that a rule translates or a
 *     mapping meets, and when they end;
 *   - a ring for each ordered pair of paths, from the one to the other: one fills, one drains,
 *     nobody waits. Packets that find no room are dropped (hand-over-full). What one path has
 *     handed over stays in its order.
 *
 * Fragments other than the first name no flow. All fragments of a datagram go first to the path
 * that a hash of its addresses and identification gives, which sees them in one place and so knows
 * to which flow the later ones belong; from there they are handed over to the flow's path.
 *
 * Memory is reserved at the start and touched as it is used. With one path there are no shards, and
 * nothing of this costs anything; and while no path has a flow, hardly anything.
 */
#ifndef IPMODD_DATAPATH_SHARDS_H
#define IPMODD_DATAPATH_SHARDS_H

#include <stddef.h>
#include <stdint.h>

enum { SHARDS_MAX = 32 }; /* bits of a mask */

struct shards;

/*
 * For COUNT paths (2 to SHARDS_MAX) that have up to FLOWS flows together, with hashes from SEED.
 * NULL without memory.
 */
struct shards *shards_new(unsigned count, size_t flows, uint64_t seed);

/* When all paths that joined are gone. NULL is allowed. */
void shards_free(struct shards *shards);

#endif
