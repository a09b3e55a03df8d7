/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inspect: looks at what others have on this host, at start and at each reload, for remarks.
 *
 * Reading only; off the packet path.
 */
#ifndef IPMODD_KERNEL_INSPECT_H
#define IPMODD_KERNEL_INSPECT_H

#include "ipmodd/base/config.h"
#include "ipmodd/base/remark.h"
#include "kernel/fault.h"
#include "kernel/netlink.h"

/* Everything that there is to say, into REMARKS (empty). 0 or -errno with FAULT set. */
int inspect_host(const struct config *config, struct netlink *netlink, struct remarks *remarks,
                 struct fault *fault);

#endif
