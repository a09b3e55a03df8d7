/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Apply inbound: puts the rules for what comes in before the kernel's own `0: from all lookup
 * local`, which every host has and which finds all that is addressed to it.
 *
 * The kernel puts a new rule behind those of equal priority, and there is no priority before 0. So
 * the kernel's rule takes a turn: a stand-in for it is added with priority 1; the rule is deleted;
 * ours are added with priority 0; the rule is added again, with the protocol number that it had,
 * and stands behind ours then; the stand-in is deleted. At each instant one of the two is there.
 * Once a turn is over the rule is where every program expects it: `ip rule flush` does not take
 * it, network managers leave it alone, and a killed process leaves nothing that would have to be
 * moved back. Only during a turn that is so, and the ledger says so.
 *
 * Neither of the two is deleted unless the kernel has just listed the other one.
 */
#ifndef IPMODD_KERNEL_APPLY_INBOUND_H
#define IPMODD_KERNEL_APPLY_INBOUND_H

#include "kernel/apply.h"
#include "kernel/rule_list.h"

/* Makes the inbound rules as wanted; THERE is what a list has just shown. Failures are counted. */
void apply_inbound_rules(struct apply *apply, const struct rule_list *there);

/*
 * Ends a turn that a killed process or a failure left: the kernel's rule is there, and no stand-in.
 * 0 or -errno with FAULT set.
 */
int inbound_end_turns(struct netlink *netlink, struct ledger *ledger, struct fault *fault);

#endif
