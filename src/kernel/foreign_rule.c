/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policy rules of others before the divert rule: found and put into words. */
#include "kernel/foreign_rule.h"

#include "ipmodd/base/macro.h"
#include "kernel/rule.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>

/* Text that grows word by word; what does not fit is left out. */
struct words {
    char *buffer;
    size_t size;
    size_t used;
};

static PRINTF_LIKE(2, 3) void say(struct words *words, const char *format, ...)
{
    va_list arguments;
    int length;

    if (words->used >= words->size)
        return;
    va_start(arguments, format);
    length = vsnprintf(words->buffer + words->used, words->size - words->used, format, arguments);
    va_end(arguments);
    words->used += (size_t)MAX_OF(length, 0);
}

static void say_prefix(struct words *words, const char *word, enum ip_family family,
                       struct nlattr *attr, uint8_t len)
{
    struct ip_prefix prefix = {.len = len};
    char text[IP_PREFIX_TEXT];

    if (attr == NULL || (size_t)nla_len(attr) < IP_ADDR_BYTES(family))
        return;
    prefix.addr = ip_addr_from_bytes(family, nla_data(attr));
    say(words, " %s %s", word, ip_prefix_format(&prefix, text));
}

static void say_mark(struct words *words, struct nlattr *attrs[])
{
    uint32_t mask = UINT32_MAX;

    if (attrs[FRA_FWMARK] == NULL && attrs[FRA_FWMASK] == NULL)
        return;
    if (attrs[FRA_FWMASK] != NULL)
        mask = nla_get_u32(attrs[FRA_FWMASK]);
    say(words, " fwmark 0x%x", attrs[FRA_FWMARK] != NULL ? nla_get_u32(attrs[FRA_FWMARK]) : 0);
    if (mask != UINT32_MAX)
        say(words, "/0x%x", mask);
}

static void say_ports(struct words *words, const char *word, struct nlattr *attr)
{
    const struct fib_rule_port_range *ports;

    if (attr == NULL || nla_len(attr) < (int)sizeof(*ports))
        return;
    ports = nla_data(attr);
    say(words, ports->start == ports->end ? " %s %u" : " %s %u-%u", word, ports->start, ports->end);
}

static void say_devices(struct words *words, struct nlattr *attrs[])
{
    if (attrs[FRA_IIFNAME] != NULL)
        say(words, " iif %s", nla_get_string(attrs[FRA_IIFNAME]));
    if (attrs[FRA_OIFNAME] != NULL)
        say(words, " oif %s", nla_get_string(attrs[FRA_OIFNAME]));
}

static void say_socket(struct words *words, struct nlattr *attrs[])
{
    struct nlattr *uids = attrs[FRA_UID_RANGE];

    if (uids != NULL && nla_len(uids) >= (int)sizeof(struct fib_rule_uid_range)) {
        const struct fib_rule_uid_range *range = nla_data(uids);

        say(words, " uidrange %u-%u", range->start, range->end);
    }
    if (attrs[FRA_IP_PROTO] != NULL)
        say(words, " ipproto %u", nla_get_u8(attrs[FRA_IP_PROTO]));
    say_ports(words, "sport", attrs[FRA_SPORT_RANGE]);
    say_ports(words, "dport", attrs[FRA_DPORT_RANGE]);
}

static void say_lookup(struct words *words, uint32_t table, struct nlattr *attrs[])
{
    struct nlattr *prefix = attrs[FRA_SUPPRESS_PREFIXLEN];
    struct nlattr *l3mdev = attrs[FRA_L3MDEV];

    if (l3mdev != NULL && nla_get_u8(l3mdev) != 0)
        say(words, " lookup [l3mdev-table]");
    else if (table == RT_TABLE_MAIN)
        say(words, " lookup main");
    else
        say(words, " lookup %u", table);
    if (prefix != NULL && nla_get_u32(prefix) != UINT32_MAX)
        say(words, " suppress_prefixlength %u", nla_get_u32(prefix));
}

static void say_action(struct words *words, const struct fib_rule_hdr *header,
                       struct nlattr *attrs[])
{
    switch (header->action) {
    case FR_ACT_TO_TBL:
        say_lookup(words, attrs[FRA_TABLE] != NULL ? nla_get_u32(attrs[FRA_TABLE]) : header->table,
                   attrs);
        break;
    case FR_ACT_GOTO:
        say(words, " goto %u", attrs[FRA_GOTO] != NULL ? nla_get_u32(attrs[FRA_GOTO]) : 0);
        break;
    case FR_ACT_NOP:
        say(words, " nop");
        break;
    case FR_ACT_BLACKHOLE:
        say(words, " blackhole");
        break;
    case FR_ACT_UNREACHABLE:
        say(words, " unreachable");
        break;
    case FR_ACT_PROHIBIT:
        say(words, " prohibit");
        break;
    default:
        say(words, " action %u", header->action);
        break;
    }
}

int foreign_rule_format(const struct nlmsghdr *message, char buffer[static FOREIGN_RULE_TEXT])
{
    const struct fib_rule_hdr *header = nlmsg_data(message);
    struct words words = {.buffer = buffer, .size = FOREIGN_RULE_TEXT};
    struct nlattr *attrs[FRA_MAX + 1];
    enum ip_family family;

    if (nlmsg_parse((struct nlmsghdr *)message, sizeof(*header), attrs, FRA_MAX, rule_policy) < 0)
        return -EBADMSG;
    family = header->family == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4;
    say(&words, "%u:", attrs[FRA_PRIORITY] != NULL ? nla_get_u32(attrs[FRA_PRIORITY]) : 0);
    if ((header->flags & FIB_RULE_INVERT) != 0)
        say(&words, " not");
    say_prefix(&words, "from", family, attrs[FRA_SRC], header->src_len);
    say_prefix(&words, "to", family, attrs[FRA_DST], header->dst_len);
    if (header->tos != 0)
        say(&words, " tos 0x%x", header->tos);
    say_mark(&words, attrs);
    say_devices(&words, attrs);
    say_socket(&words, attrs);
    say_action(&words, header, attrs);
    return 0;
}

/* What a dump found so far; it starts again from nothing. */
struct finding {
    const struct config *config;
    unsigned count;
    unsigned left_out;
    char text[REMARK_TEXT - 160]; /* the rest of the sentence has room too */
    size_t used;
    size_t used_before; /* by the other family */
    unsigned count_before, left_out_before;
};

static void forget(void *context)
{
    struct finding *finding = context;

    finding->used = finding->used_before;
    finding->count = finding->count_before;
    finding->left_out = finding->left_out_before;
    finding->text[finding->used] = '\0';
}

static int note(void *context, const struct nlmsghdr *message)
{
    struct finding *finding = context;
    char text[FOREIGN_RULE_TEXT];
    enum rule_owner owner;
    struct rule rule;
    int length;
    int r = rule_parse(message, &rule, &owner);

    if (r < 0)
        return r;
    if (owner == RULE_OURS || rule.priority == 0 ||
        rule.priority > finding->config->divert.divert_priority)
        return 0;
    r = foreign_rule_format(message, text);
    if (r < 0)
        return r;
    finding->count++;
    length = snprintf(finding->text + finding->used, sizeof(finding->text) - finding->used,
                      "; %s %s", rule.family == FAMILY_IPV4 ? "-4" : "-6", text);
    if (length > 0 && (size_t)length < sizeof(finding->text) - finding->used)
        finding->used += (size_t)length;
    else
        finding->left_out++;
    finding->text[finding->used] = '\0';
    return 0;
}

int foreign_rules_remark(const struct config *config, struct netlink *netlink,
                         struct remarks *remarks, struct fault *fault)
{
    struct finding finding = {.config = config};
    char more[32] = "";

    for (int family = 0; family < FAMILY_COUNT; family++) {
        int r = 0;

        finding.used_before = finding.used;
        finding.count_before = finding.count;
        finding.left_out_before = finding.left_out;
        if ((config->divert.families & 1u << family) != 0)
            r = netlink_dump(netlink, rule_message_dump((enum ip_family)family), note, forget,
                             &finding);
        if (r < 0 && r != -EAFNOSUPPORT && r != -EOPNOTSUPP)
            return fault_set(fault, r, "reading the list of rules");
    }
    if (finding.count == 0)
        return 0;
    if (finding.left_out > 0)
        snprintf(more, sizeof(more), "; and %u more", finding.left_out);
    if (remarks_add(remarks, REMARK_RULES,
                    "policy rules of others are asked before the divert rule, what they route is "
                    "not diverted: %s%s",
                    finding.text + 2, more) < 0)
        return fault_set(fault, -ENOMEM, "reading the list of rules");
    return 0;
}
