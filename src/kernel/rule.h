/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule: one policy rule of the shapes that ipmodd makes.
 *
 * A rule of ours carries DIVERT_PROTOCOL and nothing but the selectors below; whatever has another
 * protocol number or another selector (mark, address, oif, …) belongs to somebody else and
 * rule_parse() says so. Deleting sends the whole rule back, so that no other one can match.
 */
#ifndef IPMODD_KERNEL_RULE_H
#define IPMODD_KERNEL_RULE_H

#include "ipmodd/base/addr.h"
#include "ipmodd/base/config.h"

#include <linux/fib_rules.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

enum rule_action {
    RULE_LOOKUP,
    RULE_UNREACHABLE,
    RULE_BLACKHOLE,
    RULE_ACTION_COUNT,
};

/* Compared field by field; what a selector does not name is zero. */
struct rule {
    enum ip_family family;
    uint32_t priority;
    enum rule_action action;
    uint32_t table;        /* of RULE_LOOKUP */
    struct ip_prefix from; /* source; of length 0 = any */
    char iif[IFNAMSIZ];
    bool invert;             /* `not` */
    bool suppress_default;   /* suppress_prefixlength 0 */
    uint32_t suppress_group; /* routes over devices of this group do not count; 0 = all do */
    bool has_uids;
    struct uid_range uids;
    uint8_t proto;                  /* IPPROTO_*; 0 = any */
    uint16_t port_first, port_last; /* destination, host order; 0 = any */

    /* Not what tells rules apart, but for the kernel's own one. */
    uint8_t protocol;  /* RTPROT_*; 0 = DIVERT_PROTOCOL */
    bool behind_local; /* in the kernel it stands behind the rule for table local */
};

enum rule_owner {
    RULE_OURS,
    RULE_LOCAL,   /* `0: from all lookup local`, which every host has; see apply_inbound.c */
    RULE_FOREIGN, /* only family, priority, iif and table are filled in */
    RULE_OWNER_COUNT,
};

/* The lengths that attributes of a rule have at least, for nlmsg_parse(). */
extern const struct nla_policy rule_policy[FRA_MAX + 1];

/* 0 or -EBADMSG. */
int rule_parse(const struct nlmsghdr *message, struct rule *ret_rule, enum rule_owner *ret_owner);

bool rule_equal(const struct rule *a, const struct rule *b);

/* NULL without memory. */
struct nl_msg *rule_message_new(const struct rule *rule);
struct nl_msg *rule_message_del(const struct rule *rule);
struct nl_msg *rule_message_dump(enum ip_family family);

/* The rule as words of ip-rule(8), for the plan and for sentences. */
enum { RULE_TEXT = 192 };
const char *rule_format(const struct rule *rule, char buffer[static RULE_TEXT]);

#endif
