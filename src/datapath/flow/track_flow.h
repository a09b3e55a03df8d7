/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Track, as far as flows go: finds the flow of a packet, or begins one, and writes into the packet
 * what it is to it. Called once a packet, before any edit.
 *
 * Packets of a connection that began before the table did begin a flow too, as with conntrack's
 * nf_conntrack_tcp_loose. A reset, a SYN with ACK, or the reply to a query that belongs to no flow
 * is invalid, and so is an error about a packet of none.
 */
#ifndef IPMODD_DATAPATH_FLOW_TRACK_FLOW_H
#define IPMODD_DATAPATH_FLOW_TRACK_FLOW_H

#include "ipmodd/datapath/flow.h"

void track_flow(struct flow_table *table, struct packet *packet, uint64_t now_ns);

#endif
