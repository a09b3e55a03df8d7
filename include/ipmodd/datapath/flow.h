/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows: what packets of two directions have in common.
 *
 * A flow is named by two tuples, as conntrack(8) shows them: ORIGINAL, that of the packet that made
 * it, and REPLY, that of the packets which answer. As long as nobody translates, one is the other
 * turned round; a translation is nothing but a REPLY tuple that is not. Both lead to the one entry.
 *
 * The table has a fixed number of entries, allocated at its start and touched when used, so that
 * nothing on the packet path allocates and nothing is ever moved in one go. An index leads from
 * each tuple to its entry; the hash that it goes by has a secret seed.
 *
 * A flow ends when it has been quiet for the time of its class (RFC 4787 REQ-5, RFC 5382 REQ-5, RFC
 * 5508 REQ-2). There is no timer for each: a hand goes round over all entries, a few at a time
 * (flow_table_sweep()), and an entry that has had its time counts as absent wherever it is met. A
 * new flow that finds no entry free takes one that the hand sees next and that has had its time, or
 * that of the oldest flow in which both sides do not take part yet: which nobody has answered or,
 * of TCP, whose answer nobody has acknowledged; those stand in a list. A flood of first packets so
 * displaces its like, also where it is answered, and never what both sides take part in; when there
 * is nothing else, the new flow is refused.
 *
 * One thread; where there are several, each has a table of its own (shards.h). Times are monotonic
 * nanoseconds, and come with the packets.
 */
#ifndef IPMODD_DATAPATH_FLOW_H
#define IPMODD_DATAPATH_FLOW_H

#include "ipmodd/base/flow_class.h"
#include "ipmodd/datapath/flow_observer.h"
#include "ipmodd/datapath/packet.h"

/*
 * Equal tuples are equal memory. Addresses in wire order, those of IPv4 with twelve zeros behind
 * them; ports in host order, 0 for a protocol without. An ICMP query has its identifier for the
 * port of the side that asks, and the type of the request for that of the other.
 */
struct flow_tuple {
    uint8_t src[16], dst[16];
    uint16_t sport, dport;
    uint8_t proto;
    uint8_t family; /* enum ip_family */
    uint16_t zero;
};

/* What a packet is to the flow table. */
enum flow_kind {
    FLOW_KIND_PART,    /* of the flow that the tuple names; it can be the first of it */
    FLOW_KIND_ANSWER,  /* of the flow that the tuple names, and never the first (an echo reply) */
    FLOW_KIND_ERROR,   /* an ICMP error: the tuple is that of the packet which it quotes */
    FLOW_KIND_UNKNOWN, /* no tuple: a later fragment, or an error that quotes too little */
};

/* RET is written but for FLOW_KIND_UNKNOWN. */
enum flow_kind flow_tuple_of(const struct packet *packet, struct flow_tuple *ret_tuple);

/* The tuple of what answers to TUPLE. */
struct flow_tuple flow_tuple_turn(const struct flow_tuple *tuple);

/* Of one end of it. */
uint8_t *flow_tuple_address(struct flow_tuple *tuple, enum packet_end end);
uint16_t *flow_tuple_port(struct flow_tuple *tuple, enum packet_end end);

/* TCP, UDP, UDP-Lite, SCTP, DCCP. */
bool flow_proto_has_ports(uint8_t proto);

bool flow_tuple_equal(const struct flow_tuple *a, const struct flow_tuple *b);

/* Where a TCP connection is; names as conntrack's. */
enum flow_tcp_state {
    FLOW_TCP_NONE, /* no TCP */
    FLOW_TCP_SYN_SENT,
    FLOW_TCP_SYN_RECV,
    FLOW_TCP_ESTABLISHED,
    FLOW_TCP_FIN_WAIT, /* one side has closed, the other may go on */
    FLOW_TCP_TIME_WAIT,
    FLOW_TCP_CLOSE, /* reset */
    FLOW_TCP_STATE_COUNT,
};

/* "SYN_SENT"; "" for FLOW_TCP_NONE. */
const char *flow_tcp_state_name(enum flow_tcp_state state);

enum flow_flag {
    FLOW_DECIDED = 1u << 0,     /* its first packet has left, and REPLY is what it stays */
    FLOW_INWARD = 1u << 1,      /* begun from outside through a mapping (translation.h) */
    FLOW_DOUBTFUL = 1u << 4,    /* with FLOW_MASQUERADED: routes have changed, and it is not known
                                   whether its source is still that of its way */
    FLOW_MASQUERADED = 1u << 2, /* its source is an address of this host as long as it has it */
    FLOW_REFUSED = 1u << 5,     /* this host refused it, and nobody was told: others may
                                   have its tuples until something comes of it */
    FLOW_REPLY_TAKEN = 1u << 3, /* REPLY is another flow's tuple: packets with it are not of this
                                   one, and it is not to leave without another */
};

enum { FLOW_MAPPINGS = 2 };

/*
 * What finding it and following it read stands together in front, and what only its beginning and
 * its end do behind: of a million flows each line of cache that is not needed counts.
 */
struct flow {
    uint64_t seen_ns;
    uint32_t rule;       /* that translates it, by its identity; 0: none */
    uint8_t tcp_seen;    /* private: flags of both sides */
    uint8_t class;       /* enum flow_class */
    uint8_t entry_state; /* private */
    uint8_t flags;       /* enum flow_flag */
    struct flow_tuple tuples[FLOW_WAYS];
    uint64_t packets[FLOW_WAYS], bytes[FLOW_WAYS]; /* of the wire, as they arrived */
    uint64_t made_ns;
    uint32_t next, previous;          /* private */
    uint32_t mappings[FLOW_MAPPINGS]; /* private: of its source and destination */
};

/* Whether packets of both directions have been seen. */
bool flow_is_answered(const struct flow *flow);

/* Whether REPLY is not ORIGINAL turned round. */
bool flow_is_translated(const struct flow *flow);

enum flow_tcp_state flow_tcp_state_of(const struct flow *flow);

/* Nanoseconds until FLOW has had its time; 0 when it has. */
struct flow_table;
uint64_t flow_time_left(const struct flow_table *table, const struct flow *flow, uint64_t now_ns);

struct flow_table_counters {
    uint64_t added, ended; /* ended: had their time, or were removed */
    uint64_t displaced;    /* ones of one side that made room */
    uint64_t refused;      /* new ones for which there was no room */
};

/* Room for LIMITS.max flows. NULL without memory. */
struct flow_table *flow_table_new(const struct flow_limits *limits, uint64_t seed);
void flow_table_free(struct flow_table *table);

/* Places what comes by a hash with another SEED; only while the table is empty. */
void flow_table_seed(struct flow_table *table, uint64_t seed);

/* Who is told of what becomes of flows; borrowed. NULL: nobody, as at the start. */
void flow_table_set_observer(struct flow_table *table, const struct flow_observer *observer);

/* The times of LIMITS from now on, also for flows that are there. The room stays. */
void flow_table_set_limits(struct flow_table *table, const struct flow_limits *limits);

/* The flow that TUPLE names, and which of its ways that is; NULL for none. */
struct flow *flow_table_find(struct flow_table *table, const struct flow_tuple *tuple,
                             uint64_t now_ns, enum flow_way *ret_way);

/*
 * Has the memory fetched that finding each of COUNT tuples (the first 64) will need, of all at
 * once. A table of a million flows is in no cache, and one lookup after another would wait twice
 * for the memory each.
 */
void flow_table_prefetch(const struct flow_table *table, const struct flow_tuple *tuples,
                         size_t count);

/*
 * A flow with these tuples; ORIGINAL may name none that is there (nor in another shard: it is
 * claimed), REPLY may (FLOW_REPLY_TAKEN).
 * NULL when there is no room. Valid until it is removed, has had its time, or is displaced by
 * another one.
 */
struct flow *flow_table_add(struct flow_table *table, const struct flow_tuple *original,
                            const struct flow_tuple *reply, uint64_t now_ns);

/* Another REPLY for FLOW, which names no other flow. */
void flow_table_set_reply(struct flow_table *table, struct flow *flow,
                          const struct flow_tuple *reply);

void flow_table_remove(struct flow_table *table, struct flow *flow, enum flow_end why,
                       uint64_t now_ns);

/*
 * Counts PACKET, which is of FLOW and goes its way WAY, and follows a TCP connection. False, with
 * nothing done, when the packet opens another connection with the tuples of one that is over: the
 * flow is to be removed and a new one added.
 */
bool flow_follow(struct flow_table *table, struct flow *flow, enum flow_way way,
                 const struct packet *packet, uint64_t now_ns);

/* Lets the hand go over COUNT entries and removes the flows that have had their time. */
void flow_table_sweep(struct flow_table *table, size_t count, uint64_t now_ns);

/*
 * Removes those of the flows of COUNT entries from number ENTRY on that are WANTED, which is asked
 * with CONTEXT; NULL: all. How many those were.
 */
size_t flow_table_flush(struct flow_table *table, size_t entry, size_t count,
                        bool (*wanted)(const void *context, const struct flow *flow),
                        const void *context, uint64_t now_ns);

size_t flow_table_count(const struct flow_table *table);
size_t flow_table_translated(const struct flow_table *table);
size_t flow_table_capacity(const struct flow_table *table);

/* The entries of larger numbers have not been used yet. */
size_t flow_table_used(const struct flow_table *table);

const struct flow_table_counters *flow_table_counters(const struct flow_table *table);

/*
 * Bytes of memory that the table would have, were it full: with a mapping for each flow while there
 * are any, and with its part of what shards share.
 */
size_t flow_table_memory(const struct flow_table *table);

/*
 * For lists: the first flow with entry number *CURSOR or a later one below END that has not had its
 * time, and *CURSOR behind it; NULL when there is none, and *CURSOR is END or the end of those that
 * are used. Between calls flows may come and go.
 */
const struct flow *flow_table_next(const struct flow_table *table, size_t *cursor, size_t end,
                                   uint64_t now_ns);

#endif
