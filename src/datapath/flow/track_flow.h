/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Track, as far as flows go: finds the flow of a packet, or begins one, and writes into the packet
 * what it is to it. Called once a packet, before any edit. Replies of translated flows, and what
 * comes from outside to a mapping, get the addresses that rules are to see (translation.h).
 *
 * Packets of a connection that began before the table did begin a flow too, as with conntrack's
 * nf_conntrack_tcp_loose. A reset, a SYN with ACK, or the reply to a query that belongs to no flow
 * is invalid, and so is an error about a packet of none.
 *
 * Where hosts inside may have an address of this host outside, a SYN from outside that the host
 * refuses may be one half of a simultaneous open, whose other half comes from inside in a moment
 * (RFC 5382 REQ-4). For `nat-refuse-after` the reset is dropped (nat-reset-held); a flow from
 * inside with the same addresses and ports outside takes the place of the refused one, and
 * otherwise the next SYN of that sender gets its reset.
 */
#ifndef IPMODD_DATAPATH_FLOW_TRACK_FLOW_H
#define IPMODD_DATAPATH_FLOW_TRACK_FLOW_H

#include "ipmodd/base/host_view.h"
#include "ipmodd/base/rng.h"
#include "ipmodd/datapath/flow.h"

/* What flows are tracked and decided with; all borrowed. */
struct tracking {
    struct flow_table *table;
    const struct host_view *view;
    struct rng *rng;
    uint64_t now_ns;
    uint64_t view_since_ns; /* VIEW is another one than before since then */
    bool shares_addresses;  /* hosts inside may have addresses of this host outside */
};

/*
 * COUNT packets at PACKETS, at most BATCH_PACKETS, are to be tracked if they are without a fault
 * (their `reason`). Before the first of them, memory is asked for the flows of all, and some flows
 * whose time is over are removed.
 */
void track_begin(struct flow_table *table, const struct packet *packets, size_t count,
                 uint64_t now_ns);

/* REASON_NONE, or why PACKET is refused. */
enum reason track_flow(const struct tracking *tracking, struct packet *packet);

/*
 * PACKET has met all rules and is to leave. Its flow is decided if it was not, and PACKET
 * translated. REASON_NONE, or why it cannot leave; the flow is then as undecided as before.
 */
enum reason track_leaving(const struct tracking *tracking, struct packet *packet);

#endif
