/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inbound: what is to be in the kernel so that packets addressed to this host come to tun0 too.
 *
 *   0: from 169.254.0.0/16 lookup local       who is never diverted: link-local sources, `exclude`;
 *   0: ipproto udp dport 67-68 lookup local   DHCP, whose sockets are bound to a device, and
 *                                             `exclude-port`
 *   0: iif DEVICE ipproto P lookup N+1        the rest, for each device and each protocol
 *   0: from all lookup local                  the kernel's own rule, behind ours (apply_inbound.c)
 *   1: from all lookup local                  its stand-in while it is being moved, else absent
 *   2: iif DEVICE blackhole                   the barrier
 *
 * A rule with a protocol does not meet the look-ups of ARP, which have none. ICMPv6 is not among
 * the protocols: neighbour discovery has to see the device that it came by. What has come out of
 * tun0 meets none of these rules but the kernel's own, and is delivered.
 *
 * Table N+1 has a route over tun0 for each address of this host and nothing else, so that
 * broadcast, multicast and what is passing through are never found in it. When tun0 goes, so do the
 * routes, and packets come in as if no rule were there. With on-exit = closed an `unreachable`
 * route stands behind each.
 *
 * To the kernel these packets are forwarded, so the device must forward. Where it did not before,
 * that would make this host a router for its neighbours: the barrier stops all that came in by such
 * a device and is not for this host. It stands before forwarding is switched on and goes after that
 * was switched off. tcp_early_demux and udp_early_demux are off meanwhile: they find the socket of
 * a packet before its route, and what has a socket is not forwarded but dropped.
 */
#ifndef IPMODD_KERNEL_INBOUND_H
#define IPMODD_KERNEL_INBOUND_H

#include "kernel/wanted.h"

/* Priorities, which no configuration has to leave free. */
enum {
    INBOUND_PRIORITY = 0,
    STAND_IN_PRIORITY = 1,
    BARRIER_PRIORITY = 2,
};

/* The table of what comes in. */
uint32_t inbound_table(const struct config *config);

/* Whether what comes in by DEVICE is diverted. */
bool inbound_has_device(const struct wanted_input *input, const struct device *device);

/* Shapes of rules that are ours. */
bool inbound_is_rule(const struct rule *rule);
bool inbound_is_barrier(const struct rule *rule);
bool inbound_is_stand_in(const struct rule *rule);
struct rule inbound_stand_in(enum ip_family family);

/* Each adds to the lists of WANTED. 0 or -ENOMEM. */
int inbound_add_barriers(struct wanted *wanted, const struct wanted_input *input,
                         enum ip_family family);
int inbound_add_rules(struct wanted *wanted, const struct wanted_input *input,
                      enum ip_family family);
int inbound_add_settings(struct wanted *wanted, const struct wanted_input *input);
int inbound_add_routes(struct wanted *wanted, const struct wanted_input *input);

#endif
