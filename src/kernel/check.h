/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Check: asks the kernel where packets that come out of tun0 would go.
 *
 * The guards keep them away from tun0: they stand in front of the rules of others and take no route
 * over tun0 (suppress_ifgroup). This finds where they fail, such as a rule in front of which there
 * is no room, and names routes of main over tun0, whose packets get no further. A packet that is
 * routed back to tun0, its TTL given back on each pass, goes round for ever.
 *
 * Asked are: the documentation prefixes (which only a default route catches) and a few mirrored
 * routes; and main is searched for routes over tun0 outside tun0's own prefixes, which the packet
 * path never writes to.
 */
#ifndef IPMODD_KERNEL_CHECK_H
#define IPMODD_KERNEL_CHECK_H

#include "kernel/apply.h"

/* 1 if a packet would come back to tun0 (FAULT names the destination), 0 if not, or -errno. */
int check_for_loop(const struct apply *apply);

/* Whether a route of main with this key leads over tun0 where it must not. */
bool check_route_loops(const struct apply *apply, const struct route *first);

#endif
