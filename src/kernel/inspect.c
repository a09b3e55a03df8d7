/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at what others have on this host. */
#include "kernel/inspect.h"

#include "kernel/foreign_rule.h"

int inspect_host(const struct config *config, struct netlink *netlink, struct remarks *remarks,
                 struct fault *fault)
{
    return foreign_rules_remark(config, netlink, remarks, fault);
}
