/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policy rules: from and to netlink messages, as words of ip-rule(8). */
#include "kernel/rule.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/kernel/divert.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <string.h>

/* Attributes that a rule of ours may have; the kernel adds some by itself. */
static bool attribute_known(int type, struct nlattr *attr)
{
    switch (type) {
    case FRA_SRC:
    case FRA_IIFNAME:
    case FRA_PRIORITY:
    case FRA_TABLE:
    case FRA_UID_RANGE:
    case FRA_PROTOCOL:
    case FRA_IP_PROTO:
    case FRA_DPORT_RANGE:
    case FRA_SUPPRESS_IFGROUP:
    case FRA_PAD:
        return true;
    case FRA_SUPPRESS_PREFIXLEN:
        return nla_get_u32(attr) == 0 || nla_get_u32(attr) == UINT32_MAX;
    default:
        return false;
    }
}

const struct nla_policy rule_policy[FRA_MAX + 1] = {
    [FRA_PRIORITY] = {.type = NLA_U32},
    [FRA_TABLE] = {.type = NLA_U32},
    [FRA_FWMARK] = {.type = NLA_U32},
    [FRA_FWMASK] = {.type = NLA_U32},
    [FRA_GOTO] = {.type = NLA_U32},
    [FRA_SUPPRESS_PREFIXLEN] = {.type = NLA_U32},
    [FRA_SUPPRESS_IFGROUP] = {.type = NLA_U32},
    [FRA_PROTOCOL] = {.type = NLA_U8},
    [FRA_IP_PROTO] = {.type = NLA_U8},
    [FRA_L3MDEV] = {.type = NLA_U8},
    [FRA_IIFNAME] = {.type = NLA_STRING},
    [FRA_OIFNAME] = {.type = NLA_STRING},
};

static const uint8_t actions[RULE_ACTION_COUNT] = {
    [RULE_LOOKUP] = FR_ACT_TO_TBL,
    [RULE_UNREACHABLE] = FR_ACT_UNREACHABLE,
    [RULE_BLACKHOLE] = FR_ACT_BLACKHOLE,
};

static bool action_known(uint8_t number, enum rule_action *ret_action)
{
    for (size_t i = 0; i < RULE_ACTION_COUNT; i++) {
        if (actions[i] != number)
            continue;
        *ret_action = (enum rule_action)i;
        return true;
    }
    return false;
}

static bool is_ours(const struct fib_rule_hdr *header, struct nlattr *attrs[])
{
    enum rule_action action;

    if (attrs[FRA_PROTOCOL] == NULL || nla_get_u8(attrs[FRA_PROTOCOL]) != DIVERT_PROTOCOL)
        return false;
    if (header->dst_len != 0 || header->tos != 0 || !action_known(header->action, &action))
        return false;
    for (int type = 1; type <= FRA_MAX; type++) {
        if (attrs[type] != NULL && !attribute_known(type, attrs[type]))
            return false;
    }
    return true;
}

/* Nothing but a priority, which is left out when it is 0, a table and a protocol number. */
static bool is_local_rule(const struct fib_rule_hdr *header, struct nlattr *attrs[],
                          const struct rule *rule)
{
    const uint32_t allowed = 1u << FRA_PRIORITY | 1u << FRA_TABLE | 1u << FRA_PROTOCOL |
                             1u << FRA_SUPPRESS_PREFIXLEN | 1u << FRA_PAD;

    if (header->action != FR_ACT_TO_TBL || rule->priority != 0 || rule->table != RT_TABLE_LOCAL ||
        header->dst_len != 0 || header->src_len != 0 || header->tos != 0 ||
        (header->flags & FIB_RULE_INVERT) != 0)
        return false;
    for (int type = 1; type <= FRA_MAX; type++) {
        if (attrs[type] != NULL && (allowed & 1u << type) == 0)
            return false;
    }
    return true;
}

static void selectors_parse(const struct fib_rule_hdr *header, struct nlattr *attrs[],
                            struct rule *rule)
{
    if (attrs[FRA_SRC] != NULL && (size_t)nla_len(attrs[FRA_SRC]) >= IP_ADDR_BYTES(rule->family)) {
        rule->from.addr = ip_addr_from_bytes(rule->family, nla_data(attrs[FRA_SRC]));
        rule->from.len = header->src_len;
    }
    if (attrs[FRA_SUPPRESS_PREFIXLEN] != NULL)
        rule->suppress_default = nla_get_u32(attrs[FRA_SUPPRESS_PREFIXLEN]) == 0;
    if (attrs[FRA_SUPPRESS_IFGROUP] != NULL)
        rule->suppress_group = nla_get_u32(attrs[FRA_SUPPRESS_IFGROUP]);
    if (attrs[FRA_IP_PROTO] != NULL)
        rule->proto = nla_get_u8(attrs[FRA_IP_PROTO]);
    if (attrs[FRA_UID_RANGE] != NULL &&
        nla_len(attrs[FRA_UID_RANGE]) == sizeof(struct fib_rule_uid_range)) {
        const struct fib_rule_uid_range *uids = nla_data(attrs[FRA_UID_RANGE]);

        rule->has_uids = true;
        rule->uids = (struct uid_range){.first = uids->start, .last = uids->end};
    }
    if (attrs[FRA_DPORT_RANGE] != NULL &&
        nla_len(attrs[FRA_DPORT_RANGE]) == sizeof(struct fib_rule_port_range)) {
        const struct fib_rule_port_range *ports = nla_data(attrs[FRA_DPORT_RANGE]);

        rule->port_first = ports->start;
        rule->port_last = ports->end;
    }
}

int rule_parse(const struct nlmsghdr *message, struct rule *ret_rule, enum rule_owner *ret_owner)
{
    const struct fib_rule_hdr *header = nlmsg_data(message);
    struct nlattr *attrs[FRA_MAX + 1];
    struct rule rule = {.family = FAMILY_IPV4};

    if (nlmsg_parse((struct nlmsghdr *)message, sizeof(*header), attrs, FRA_MAX, rule_policy) < 0)
        return -EBADMSG;
    if (header->family == AF_INET6)
        rule.family = FAMILY_IPV6;
    if (attrs[FRA_PRIORITY] != NULL)
        rule.priority = nla_get_u32(attrs[FRA_PRIORITY]);
    if (attrs[FRA_IIFNAME] != NULL)
        nla_strlcpy(rule.iif, attrs[FRA_IIFNAME], sizeof(rule.iif));
    if (header->action == FR_ACT_TO_TBL)
        rule.table = attrs[FRA_TABLE] != NULL ? nla_get_u32(attrs[FRA_TABLE]) : header->table;
    if (attrs[FRA_PROTOCOL] != NULL)
        rule.protocol = nla_get_u8(attrs[FRA_PROTOCOL]);
    *ret_owner = RULE_FOREIGN;
    if (is_ours(header, attrs)) {
        *ret_owner = RULE_OURS;
        action_known(header->action, &rule.action);
        rule.invert = (header->flags & FIB_RULE_INVERT) != 0;
        selectors_parse(header, attrs, &rule);
    } else if (is_local_rule(header, attrs, &rule)) {
        *ret_owner = RULE_LOCAL;
    }
    *ret_rule = rule;
    return 0;
}

bool rule_equal(const struct rule *a, const struct rule *b)
{
    return a->family == b->family && a->priority == b->priority && a->action == b->action &&
           a->table == b->table && a->from.len == b->from.len &&
           (a->from.len == 0 || ip_addr_equal(&a->from.addr, &b->from.addr)) &&
           strcmp(a->iif, b->iif) == 0 && a->invert == b->invert &&
           a->suppress_default == b->suppress_default && a->suppress_group == b->suppress_group &&
           a->has_uids == b->has_uids && a->uids.first == b->uids.first &&
           a->uids.last == b->uids.last && a->proto == b->proto && a->port_first == b->port_first &&
           a->port_last == b->port_last;
}

static int selectors_put(struct nl_msg *message, const struct rule *rule)
{
    struct fib_rule_uid_range uids = {.start = rule->uids.first, .end = rule->uids.last};
    struct fib_rule_port_range ports = {.start = rule->port_first, .end = rule->port_last};

    if (rule->from.len != 0 &&
        nla_put(message, FRA_SRC, (int)IP_ADDR_BYTES(rule->family), rule->from.addr.bytes) < 0)
        return -ENOMEM;
    if (rule->iif[0] != '\0' && nla_put_string(message, FRA_IIFNAME, rule->iif) < 0)
        return -ENOMEM;
    if (rule->suppress_default && nla_put_u32(message, FRA_SUPPRESS_PREFIXLEN, 0) < 0)
        return -ENOMEM;
    if (rule->suppress_group != 0 &&
        nla_put_u32(message, FRA_SUPPRESS_IFGROUP, rule->suppress_group) < 0)
        return -ENOMEM;
    if (rule->has_uids && nla_put(message, FRA_UID_RANGE, sizeof(uids), &uids) < 0)
        return -ENOMEM;
    if (rule->proto != 0 && nla_put_u8(message, FRA_IP_PROTO, rule->proto) < 0)
        return -ENOMEM;
    if (rule->port_last != 0 && nla_put(message, FRA_DPORT_RANGE, sizeof(ports), &ports) < 0)
        return -ENOMEM;
    return 0;
}

static struct nl_msg *message_build(const struct rule *rule, int type, int flags)
{
    struct fib_rule_hdr header = {
        .family = (uint8_t)ip_family_to_af(rule->family),
        .src_len = rule->from.len,
        .action = actions[rule->action],
        .table = rule->table < 256 ? (uint8_t)rule->table : RT_TABLE_UNSPEC,
        .flags = rule->invert ? FIB_RULE_INVERT : 0,
    };
    struct nl_msg *message = nlmsg_alloc_simple(type, flags);

    if (message == NULL)
        return NULL;
    if (nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
        nla_put_u32(message, FRA_PRIORITY, rule->priority) < 0 ||
        nla_put_u8(message, FRA_PROTOCOL, rule->protocol != 0 ? rule->protocol : DIVERT_PROTOCOL) <
            0 ||
        (rule->table != 0 && nla_put_u32(message, FRA_TABLE, rule->table) < 0) ||
        selectors_put(message, rule) < 0) {
        nlmsg_free(message);
        return NULL;
    }
    return message;
}

struct nl_msg *rule_message_new(const struct rule *rule)
{
    return message_build(rule, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
}

struct nl_msg *rule_message_del(const struct rule *rule)
{
    return message_build(rule, RTM_DELRULE, 0);
}

struct nl_msg *rule_message_dump(enum ip_family family)
{
    struct fib_rule_hdr header = {.family = (uint8_t)ip_family_to_af(family)};
    struct nl_msg *message = nlmsg_alloc_simple(RTM_GETRULE, 0);

    if (message != NULL && nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0) {
        nlmsg_free(message);
        return NULL;
    }
    return message;
}

static const char *proto_word(uint8_t proto)
{
    static const char *const words[UINT8_MAX + 1] = {
        [IPPROTO_ICMP] = "icmp", [IPPROTO_TCP] = "tcp",         [IPPROTO_UDP] = "udp",
        [IPPROTO_DCCP] = "dccp", [IPPROTO_ESP] = "esp",         [IPPROTO_AH] = "ah",
        [IPPROTO_SCTP] = "sctp", [IPPROTO_UDPLITE] = "udplite",
    };

    return words[proto] != NULL ? words[proto] : "?";
}

static const char *table_word(uint32_t table, char buffer[static 12])
{
    if (table == RT_TABLE_MAIN)
        return "main";
    if (table == RT_TABLE_LOCAL)
        return "local";
    snprintf(buffer, 12, "%u", table);
    return buffer;
}

static size_t append_action(const struct rule *rule, char *buffer, size_t used)
{
    char table[12];

    switch (rule->action) {
    case RULE_UNREACHABLE:
        return used + (size_t)snprintf(buffer + used, RULE_TEXT - used, " type unreachable");
    case RULE_BLACKHOLE:
        return used + (size_t)snprintf(buffer + used, RULE_TEXT - used, " type blackhole");
    case RULE_LOOKUP:
    case RULE_ACTION_COUNT:
        break;
    }
    return used + (size_t)snprintf(buffer + used, RULE_TEXT - used, " lookup %s",
                                   table_word(rule->table, table));
}

static size_t append_selectors(const struct rule *rule, char *buffer, size_t used)
{
    if (rule->has_uids)
        used += (size_t)snprintf(buffer + used, RULE_TEXT - used, " uidrange %u-%u",
                                 rule->uids.first, rule->uids.last);
    if (rule->proto != 0)
        used += (size_t)snprintf(buffer + used, RULE_TEXT - used, " ipproto %s",
                                 proto_word(rule->proto));
    if (rule->port_last != 0 && rule->port_first == rule->port_last)
        used += (size_t)snprintf(buffer + used, RULE_TEXT - used, " dport %u", rule->port_first);
    else if (rule->port_last != 0)
        used += (size_t)snprintf(buffer + used, RULE_TEXT - used, " dport %u-%u", rule->port_first,
                                 rule->port_last);
    return used;
}

const char *rule_format(const struct rule *rule, char buffer[static RULE_TEXT])
{
    size_t used = (size_t)snprintf(buffer, RULE_TEXT, "priority %u", rule->priority);
    char prefix[IP_PREFIX_TEXT];

    if (rule->invert)
        used += (size_t)snprintf(buffer + used, RULE_TEXT - used, " not");
    if (rule->from.len != 0)
        used += (size_t)snprintf(buffer + used, RULE_TEXT - used, " from %s",
                                 ip_prefix_format(&rule->from, prefix));
    if (rule->iif[0] != '\0')
        used += (size_t)snprintf(buffer + used, RULE_TEXT - used, " iif %s", rule->iif);
    used = append_selectors(rule, buffer, used);
    used = append_action(rule, buffer, used);
    if (rule->suppress_default)
        used += (size_t)snprintf(buffer + used, RULE_TEXT - used, " suppress_prefixlength 0");
    if (rule->suppress_group != 0)
        used += (size_t)snprintf(buffer + used, RULE_TEXT - used, " suppress_ifgroup %u",
                                 rule->suppress_group);
    snprintf(buffer + used, RULE_TEXT - used, " protocol %u",
             rule->protocol != 0 ? rule->protocol : DIVERT_PROTOCOL);
    return buffer;
}
