/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path: what happens to every packet, step by step, without input or output.
 *
 *   parse ▸ track ▸ classify ▸ act ▸ fixup     (src/datapath/path.c has it on one screen)
 *
 * Packets come in a batch and leave in the same batch with their fate decided, together with the
 * answers that were made. A super-packet goes whole, unless a rule speaks of single wire packets
 * and cannot decide for all of its segments at once: then they stand in its place. Time, rules and
 * facts about the host are handed in. The same packets, times and rules give the same bytes, live
 * and in a test.
 *
 * Life time: the path borrows the ruleset and the host view; whoever sets a new one may free the
 * old one as soon as the call returns (the ruleset: when its events are drained). One path belongs
 * to one thread; only its events and captures may be drained by another (event.h, capture.h).
 *
 * Invariant, asserted in debug builds: counters.in + counters.generated = counters.out + the sum of
 * counters.drops + counters.parked. All counters of packets and bytes speak of the wire: a
 * super-packet counts as its segments.
 */
#ifndef IPMODD_DATAPATH_PATH_H
#define IPMODD_DATAPATH_PATH_H

#include "ipmodd/base/host_view.h"
#include "ipmodd/base/offload.h"
#include "ipmodd/datapath/capture.h"
#include "ipmodd/datapath/event.h"
#include "ipmodd/datapath/flow.h"
#include "ipmodd/datapath/observer.h"
#include "ipmodd/datapath/ruleset.h"

enum {
    BATCH_PACKETS = 64,
    BATCH_BYTES = 65536, /* a batch that has as many is full: what was read is still in the cache */
    BATCH_SEGMENTS = 16384,
    PACKET_CAPACITY = 65536, /* bytes of one packet's buffer */
    ANSWER_BURST = 100,      /* rejections at once */
    /* Every packet may have one reply, and every wire packet a rejection, within the burst. */
    BATCH_ANSWERS = BATCH_PACKETS + ANSWER_BURST,
};

/* A run of packets worked on together, with what became of them on the way. */
struct batch {
    struct packet packets[BATCH_PACKETS];
    size_t count;
    struct packet answers[BATCH_ANSWERS];
    size_t answer_count;
    struct packet *segments; /* of packets with FATE_SPLIT */
    size_t segment_count;
    size_t bytes;            /* of the packets */
    size_t segments_claimed; /* how many there could be at most, were all packets split */
    size_t segment_bytes;    /* of segment_memory in use */
    uint8_t *memory;         /* buffers of packets and answers, touched only as far as used */
    uint8_t *segment_memory;
};

/* NULL without memory. The caller owns it. */
struct batch *batch_new(void);
void batch_free(struct batch *batch);

/* No room for another packet: in number, in bytes, or in segments that might be needed. */
bool batch_is_full(const struct batch *batch);

/*
 * The buffer of the packet that comes next, PACKET_CAPACITY bytes with VNET_HEADER more in front of
 * them; NULL when the batch is full.
 */
uint8_t *batch_next_buffer(struct batch *batch);
/* LENGTH bytes were put into that buffer: it becomes a packet, of which VNET says what it is. */
void batch_commit_offloaded(struct batch *batch, size_t length, const struct virtio_net *vnet);
/* The same for a single packet with nothing left to be done. */
void batch_commit(struct batch *batch, size_t length);
/* Forgets packets, answers and segments, keeps the memory. */
void batch_reset(struct batch *batch);

/* All of them uint64_t. */
struct path_counters {
    uint64_t in, out, generated; /* packets */
    uint64_t in_bytes, out_bytes;
    uint64_t parked; /* those that wait for their first fragment now. What waited on one path and
                        went on to another leaves the count of that one: sum them (modulo 2^64) */
    uint64_t drops[REASON_COUNT];
    uint64_t handed_over;      /* to other paths, where they count as `in` (shards.h) */
    uint64_t malformed_passed; /* refused by parse, sent on by `malformed = pass` */
    uint64_t ttl_255;     /* left with TTL 254: the kernel's decrement could not be given back */
    uint64_t edited;      /* packets that left changed by a rule */
    uint64_t undecided;   /* on which a match gave up (match.h) */
    uint64_t flow_hits;   /* searches for rules that the flow cache answered */
    uint64_t flow_misses; /* and those that it did not */
    /* Super-packets, each counted once, but for `merged`. */
    uint64_t split;       /* for a rule that speaks of single packets */
    uint64_t gso_refused; /* by the kernel, and written segment by segment instead */
    uint64_t merged;      /* packets that were written as part of a super-packet of ours */
};

/* What one rule has seen. */
struct rule_counters {
    uint64_t packets;
    uint64_t bytes;
    uint64_t last_ns; /* monotonic time of the batch with the last of them; 0: none yet */
};

struct path;

/* A path with RULESET and VIEW, which it borrows. NULL without memory. */
struct path *path_new(const struct ruleset *ruleset, const struct host_view *view);
void path_free(struct path *path);

/*
 * A ruleset for one path, together with what that path will keep about each of its rules. Made by
 * any thread, with all the memory that it needs, so that putting it in force costs the path's own
 * thread a few moves for each rule and cannot fail.
 */
struct path_rules;

/*
 * RULESET (borrowed) for a path that has OLD in force, or NULL for a path that begins with it.
 * Under the same name of a rule counters and log buckets will go on, and what a match with the same
 * value has counted. NULL without memory.
 */
struct path_rules *path_rules_new(const struct ruleset *ruleset, const struct ruleset *old);
void path_rules_free(struct path_rules *rules);

/*
 * Puts RULES, made for the ruleset that PATH has now, in force. RULES holds what was in force
 * before, to be freed. Events in the ring speak of the old ruleset: drain them before freeing that.
 */
void path_exchange_rules(struct path *path, struct path_rules *rules);
const struct ruleset *path_ruleset(const struct path *path);

/*
 * Where the path's random numbers begin; 0 unless set. The same seed, the same decisions. First
 * fragments that were seen are forgotten.
 */
void path_set_seed(struct path *path, uint64_t seed);

/*
 * Which runs of packets batch_write() merges; MERGE_OFF unless set. CLASSES: 1u << enum
 * offload_class of what the tun device takes.
 */
void path_set_merge(struct path *path, enum merge_mode mode, unsigned classes);

void path_set_host_view(struct path *path, const struct host_view *view);

/*
 * For an observer: why rule number RULE does not match PACKET, which is on its way, as it is now:
 * the index among the rule's matches of the first that does not hold. Matches that spend something
 * (match.h) are not asked again: when all others hold, the index of the first of them. match_count
 * when nothing is in the way, as far as one fragment can tell.
 */
size_t path_obstacle(const struct path *path, size_t rule, const struct packet *packet);

/* For an observer: the time of the batch that is being worked on. */
const struct moment *path_now(const struct path *path);

/*
 * Who is shown the packets that are about to be dropped as REASON_OWN_PREFIX: answers to what was
 * written into the tun device with a source from its own prefix. Borrowed; NULL: nobody, as at the
 * start.
 */
struct own_prefix_listener {
    void *context;
    void (*hear)(void *context, const struct packet *packet);
};
void path_set_own_prefix_listener(struct path *path, const struct own_prefix_listener *listener);

/* Who looks on from the next batch on; borrowed. NULL: nobody, as at the start. */
void path_set_observer(struct path *path, const struct observer *observer);

/* Who is told of flows (flow_observer.h) from the next batch on, as far as they are tracked. */
void path_set_flow_observer(struct path *path, const struct flow_observer *observer);

/*
 * Decides the fate of every packet of BATCH, and of what has waited for it (`behind`), and fills
 * its answers. NOW is the time of the batch. What has waited for too long is dropped first.
 * Neither allocates nor asks the kernel anything.
 */
void path_run(struct path *path, struct batch *batch, const struct moment *now);

/*
 * Where no packet comes that would have it done: drops what has waited for too long at NOW, and
 * when there will be some (monotonic; UINT64_MAX: nothing waits).
 */
void path_expire(struct path *path, const struct moment *now);
uint64_t path_expires_ns(const struct path *path);

/* No packet comes any more: those that still wait are dropped as REASON_FRAGMENT_TIMEOUT. */
void path_finish(struct path *path);

const struct path_counters *path_counters(const struct path *path);
/* Adds to SUM, or, for each rule of the present ruleset, to SUMS. */
void path_add_counters(const struct path *path, struct path_counters *sum);
void path_add_rule_counters(const struct path *path, struct rule_counters *sums);
void path_reset_rule_counters(struct path *path);

/*
 * From the next packet on rule number RULE is passed over as if it were not there, or no longer.
 * All rules of a new ruleset are enabled. What a rule has begun (a flow that it translates) goes
 * on.
 */
void path_enable_rule(struct path *path, size_t rule, bool enabled);
bool path_has_enabled(const struct path *path, size_t rule);

/* Of rule number RULE of the present ruleset. */
const struct rule_counters *path_rule_counters(const struct path *path, size_t rule);
struct event_ring *path_events(struct path *path);
/* NULL while no flows are tracked. */
struct flow_table *path_flows(struct path *path);
struct record_ring *path_captures(struct path *path);

/* How many super-packets of CLASS the tun device has refused. */
uint64_t path_offload_refused(const struct path *path, enum offload_class class);

/*
 * From here on PATH, which has not seen a packet, is number NUMBER of SHARDS, which outlive it. It
 * hands over packets of flows that other paths have.
 *
 * path_push_handed(): after path_run(), shows the others what it has for them. A mask of those that
 * are to be woken, or given a batch. path_is_told(): whether others have shown something to PATH
 * that batch_take_handed() has not taken yet; that puts it into a batch that was reset, as far as
 * there is room.
 */
struct shards;
void path_join(struct path *path, struct shards *shards, unsigned number);
unsigned path_push_handed(struct path *path);
bool path_is_told(struct path *path);
void batch_take_handed(struct path *path, struct batch *batch);

/*
 * Live input and output on a tun descriptor with virtio-net headers (read.c, write.c).
 *
 * batch_read(): reads until the batch is full (batch_is_full()), LIMIT packets have come, or
 * nothing is left; the batch has at most packets of batch_take_handed(). A packet longer than its
 * buffer is counted as REASON_TOO_LONG. Number of packets, or -errno of the read that failed before
 * the batch had any packet (never -EAGAIN: that is 0).
 */
ssize_t batch_read(struct path *path, struct batch *batch, int tun_fd, size_t limit);

/*
 * Writes answers, and packets and segments with FATE_OUT, and gives back the TTL that forwarding
 * takes: one more for packets that the kernel will forward (255 is counted), none for those to this
 * host's own addresses. Runs of packets of a flow are merged as path_set_merge() says. A
 * super-packet that the kernel finds invalid (EINVAL: some kernels do not take all that they give)
 * is written in its segments. A packet that could not be written counts as REASON_WRITE_FAILED. 0,
 * or the -errno of the last failed write for the caller to judge the device by.
 */
int batch_write(struct path *path, struct batch *batch, int tun_fd);

#endif
