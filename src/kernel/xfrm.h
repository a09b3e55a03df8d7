/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xfrm: whether this host has IPsec policies.
 *
 * What they encrypt leaves as ESP or AH, which a rule could only spoil: both are excluded from
 * diversion. A tunnel's inner packets are encrypted by their route, before any device, so they are
 * not diverted either; in transport mode the route of the inner packet, and so tun0, is kept.
 */
#ifndef IPMODD_KERNEL_XFRM_H
#define IPMODD_KERNEL_XFRM_H

/*
 * The number of policies; 0 also where the kernel has no IPsec or does not tell this process. 0, or
 * -errno when descriptors or memory did not suffice to ask.
 */
int xfrm_policy_count(unsigned *ret_count);

#endif
