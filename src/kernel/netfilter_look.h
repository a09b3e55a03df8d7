/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the child process of netfilter_ask() does: asks libnftables for the rules, which ends the
 * process when it runs out of memory, and looks for those of iptables-legacy, which that library
 * does not see. Whatever can't be read is a remark.
 */
#ifndef IPMODD_KERNEL_NETFILTER_LOOK_H
#define IPMODD_KERNEL_NETFILTER_LOOK_H

#include "kernel/netfilter.h"

/* Says that the rules could not be looked at, with the first line of TEXT. 0 or -ENOMEM. */
int netfilter_remark_refusal(struct remarks *remarks, const char *text);

/* 0, or -ENOMEM. */
int netfilter_look(const struct config *config, struct netfilter_findings *findings);

#endif
