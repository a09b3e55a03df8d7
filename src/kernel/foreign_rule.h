/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Foreign rule: policy rules of others (VPNs, VRFs) that are asked before the divert rule.
 *
 * They stay in front on purpose: put above them, diverted packets would leave by another device
 * than without us. So what they route is not diverted, and the user is told which they are.
 * The kernel's own rule of priority 0 (table local) is no news and not listed.
 */
#ifndef IPMODD_KERNEL_FOREIGN_RULE_H
#define IPMODD_KERNEL_FOREIGN_RULE_H

#include "ipmodd/base/config.h"
#include "ipmodd/base/remark.h"
#include "kernel/fault.h"
#include "kernel/netlink.h"

/* The rule in MESSAGE as words of ip-rule(8), "5270: lookup 52". 0 or -EBADMSG. */
enum { FOREIGN_RULE_TEXT = 320 };
int foreign_rule_format(const struct nlmsghdr *message, char buffer[static FOREIGN_RULE_TEXT]);

/* Adds one remark about all of them, none if there are none. 0 or -errno with FAULT set. */
int foreign_rules_remark(const struct config *config, struct netlink *netlink,
                         struct remarks *remarks, struct fault *fault);

#endif
