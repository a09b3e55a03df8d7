/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections: an nft table of our own that keeps connection tracking right for packets that come
 * back from tun0, where source NAT of others would meet them twice.
 *
 * Packets from tun0, before they are tracked a second time:
 *   to this host             tracked: an answer that a rule forged belongs to its connection
 *   from this host           not tracked: they were, on the way into tun0
 *   to a network whose NAT takes hold on the way in (no device, or "not the LAN's")
 *                            not tracked: their connection is known by the translated address
 *   of a network whose NAT names the real device
 *                            a connection of its own, in zone 213, so that NAT sees a new one.
 *                            Only its original direction: the answer from outside finds it in
 *                            zone 0, where it is the only one with the translated address
 *   others                   tracked as ever, which finds the connection of the first pass
 *
 * The table has the flag `owner`: nobody else can change it, and it vanishes with this process,
 * however that ends. Linux has the flag since 5.12; older ones refuse, and that is told.
 */
#ifndef IPMODD_KERNEL_CONNECTIONS_H
#define IPMODD_KERNEL_CONNECTIONS_H

#include "kernel/fault.h"
#include "kernel/netfilter.h"

struct nft_ctx;

/* Zeroed when there is no table. */
struct connections {
    struct nft_ctx *nft; /* its socket owns the table */
    char *script;
};

/* Makes the table what FINDINGS ask for: that, or none. 0 or -errno with FAULT set. */
int connections_set(struct connections *connections, const struct config *config,
                    const struct netfilter_findings *findings, struct fault *fault);

/* Takes the table back; safe without one. */
void connections_close(struct connections *connections);

/* The table as commands of nft(8), which cannot set the flag `owner`; nothing where none is due. */
void connections_print(const struct config *config, const struct netfilter_findings *findings,
                       FILE *out);

#endif
