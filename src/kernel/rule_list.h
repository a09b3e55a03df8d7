/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rule list: our policy rules as the kernel has them, and what matters of those of others. */
#ifndef IPMODD_KERNEL_RULE_LIST_H
#define IPMODD_KERNEL_RULE_LIST_H

#include "kernel/netlink.h"
#include "kernel/rule.h"

struct rule_list {
    struct rule *items; /* ours, by family, each in the kernel's order; owned */
    size_t count;
    bool has_local[FAMILY_COUNT];    /* `0: from all lookup local` is there, … */
    struct rule local[FAMILY_COUNT]; /* and this is it */
    uint32_t priority;               /* looked for */
    bool priority_taken;
    uint32_t table;               /* the one that leads to tun0 */
    uint32_t first[FAMILY_COUNT]; /* lowest priority of others that meets packets of any device;
                                     0 = none */
};

void rule_list_clear(struct rule_list *list);

/* One family, or both. 0 or -errno; after an error the list holds what could be read. */
int rule_list_read(struct rule_list *list, struct netlink *netlink, enum ip_family family);
int rule_list_read_all(struct rule_list *list, struct netlink *netlink);

/* Whether one of COUNT rules is RULE. */
bool rule_list_has(const struct rule *rules, size_t count, const struct rule *rule);

#endif
