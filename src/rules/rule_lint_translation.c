/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translations whose answers never come back, or that lead nowhere. */
#include "rule_lint.h"
#include "rule_reach.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "ipmodd/datapath/translation.h"

#include <netinet/in.h>
#include <string.h>

enum {
    OUT = 1u << DIRECTION_OUT,
    FORWARD = 1u << DIRECTION_FORWARD,
    IN = 1u << DIRECTION_IN,
};

/* A rule that translates, and one of its actions that do. */
struct lint {
    const struct config *config;
    const struct section *section;
    struct report *report;
    unsigned sees;      /* 1u << enum direction: whose packets it can hold for */
    unsigned diverted;  /* and which come here at all */
    bool moves_source;  /* the rule does */
    bool leads_inbound; /* some rule gives packets to this host another destination */
    const struct rule *rule;
    const struct entry *entry;
    const struct translation *translation;
};

/* The value of ACTION if it translates; otherwise NULL. */
static const struct translation *translation_of(const struct rule_action *action)
{
    static const char *const keys[] = {"snat", "dnat", "masquerade", "redirect", "netmap"};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strcmp(action->type->key, keys[i]) == 0)
            return action->value;
    }
    return NULL;
}

static void warn(const struct lint *lint, const char *text)
{
    const struct place place = entry_place(lint->section, lint->entry);

    report_warning(lint->report, &place, "%s", text);
}

/* Whether RULE is meant for ICMPv6 and nothing else. */
static bool is_for_icmp6(const struct rule *rule)
{
    static const uint8_t others[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
    struct scope scope = scope_all();

    for (size_t i = 0; i < rule->match_count; i++) {
        if (rule->matches[i].type->narrow != NULL)
            rule->matches[i].type->narrow(rule->matches[i].value, &scope);
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (scope_has(&scope, FAMILY_IPV4, others[i]) || scope_has(&scope, FAMILY_IPV6, others[i]))
            return false;
    }
    return scope_has(&scope, FAMILY_IPV6, IPPROTO_ICMPV6);
}

static void check_masquerade(const struct lint *lint)
{
    if (is_for_icmp6(lint->rule))
        warn(lint, "the answers are addressed to this host, and ICMPv6 to it is never diverted: "
                   "write snat with an address that is routed here and not one of this host");
    else if ((lint->diverted & IN) == 0)
        warn(lint, "the answers are addressed to this host, and [divert] direction does not divert "
                   "those: add in");
    else if (lint->sees == IN && !lint->leads_inbound)
        warn(lint, "would make packets to this host come from itself, and it answers itself "
                   "without a device: write snat with an address that leads here");
}

static void check_redirect(const struct lint *lint)
{
    if (lint->sees == OUT)
        warn(lint, "leaves alone what this host sends, whose answers to itself use no device: "
                   "write dnat to another host, or let the program ask the right port");
    else if ((lint->diverted & OUT) == 0)
        warn(lint, "the answers are packets of this host, and [divert] direction does not divert "
                   "those: add out");
}

static void check_source(const struct lint *lint)
{
    if ((lint->sees & OUT) != 0 && (lint->diverted & (IN | FORWARD)) == 0)
        warn(lint, "the answers do not come by here: add in to [divert] direction if the address "
                   "is one of this host, forward if neighbours route it to this host");
    else if (lint->sees == IN && (lint->diverted & OUT) == 0 && !lint->leads_inbound)
        warn(lint, "the answers are packets of this host, and [divert] direction does not divert "
                   "those: add out");
}

static void check_destination(const struct lint *lint)
{
    if ((lint->sees & OUT) != 0 && (lint->diverted & IN) == 0 && !lint->moves_source)
        warn(lint, "leads packets of this host elsewhere, and [divert] direction does not divert "
                   "the answers: add in, or write direction = forward if only packets of others "
                   "are meant");
    else if (lint->sees == IN && (lint->diverted & (OUT | FORWARD)) == 0)
        warn(lint, "the answers do not come by here: add forward to [divert] direction if another "
                   "host gives them, out if this one does");
}

static void check_answers(const struct lint *lint)
{
    if (lint->sees == 0) /* it has been said already that it sees no packet */
        return;
    switch (lint->translation->kind) {
    case TRANSLATION_MASQUERADE:
        check_masquerade(lint);
        break;
    case TRANSLATION_REDIRECT:
        check_redirect(lint);
        break;
    case TRANSLATION_SNAT:
    case TRANSLATION_NETMAP_SRC:
        check_source(lint);
        break;
    case TRANSLATION_DNAT:
    case TRANSLATION_NETMAP_DST:
        check_destination(lint);
        break;
    }
}

static bool is_loopback(const struct ip_addr *addr)
{
    static const uint8_t loopback6[16] = {[15] = 1};

    return addr->family == FAMILY_IPV4 ? addr->bytes[0] == 127
                                       : memcmp(addr->bytes, loopback6, 16) == 0;
}

static bool is_in(const struct ip_prefix *prefix, const struct ip_addr *addr)
{
    return prefix->addr.family == addr->family && ip_prefix_covers_bytes(prefix, addr->bytes);
}

/* Packets into the device's own network come back to it; its own address is this host's. */
static bool leads_into_tun(const struct lint *lint, const struct ip_addr *addr)
{
    for (size_t i = 0; i < lint->config->tun.address_count; i++) {
        const struct ip_prefix *own = &lint->config->tun.addresses[i];

        if (is_in(own, addr) && !ip_addr_equal(&own->addr, addr))
            return true;
    }
    return false;
}

static void check_addresses(const struct lint *lint)
{
    const struct address_range *range = &lint->translation->addresses;
    enum translation_kind kind = lint->translation->kind;

    if (kind != TRANSLATION_SNAT && kind != TRANSLATION_DNAT)
        return;
    if (is_loopback(&range->first) || is_loopback(&range->last))
        warn(lint, "the kernel takes no packet with a loopback address from a device: write an "
                   "address that a device of this host has, or redirect");
    else if (kind == TRANSLATION_DNAT &&
             (leads_into_tun(lint, &range->first) || leads_into_tun(lint, &range->last)))
        warn(lint, "is in the network of [tun] address, where packets are dropped as own-prefix: "
                   "write an address that another device leads to");
}

/* TEXT as a prefix that holds more addresses than INTO, which is moved into. */
static bool is_wider(const char *text, const struct ip_prefix *into)
{
    struct ip_prefix prefix;

    return strchr(text, '/') != NULL && ip_prefix_parse(text, &prefix) == 0 &&
           prefix.addr.family == into->addr.family && prefix.len < into->len;
}

/* Two addresses with the same bits behind the prefix would be one outside. */
static void check_prefix(const struct lint *lint)
{
    const struct ip_prefix *into = &lint->translation->prefix;
    bool source = lint->translation->kind == TRANSLATION_NETMAP_SRC;
    const struct place place = entry_place(lint->section, lint->entry);
    struct text_list CLEANUP(text_list_clear) list = {.items = NULL};
    const struct entry *match;

    if (!source && lint->translation->kind != TRANSLATION_NETMAP_DST)
        return;
    match = section_find_entry(lint->section, source ? "src" : "dst");
    if (match == NULL || text_list_split(match->value, &list) < 0)
        return;
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].negated || !is_wider(list.items[i].text, into))
            continue;
        report_warning(lint->report, &place,
                       "%.48s holds more addresses than a /%u, and several would become one: "
                       "write prefixes of the same length",
                       list.items[i].text, into->len);
        return;
    }
}

/* The directions whose packets RULE gives another source or destination. */
static unsigned moved_by(const struct rule *rule, enum packet_end end,
                         const struct config_divert *divert)
{
    for (size_t i = 0; i < rule->action_count; i++) {
        const struct translation *translation = translation_of(&rule->actions[i]);

        if (translation != NULL && translation_end(translation) == end)
            return rule_reach_directions(rule, divert);
    }
    return 0;
}

static void check_rule(struct lint *lint, const struct rule *rule)
{
    const struct config_divert *divert = &lint->config->divert;

    lint->rule = rule;
    lint->sees = rule_reach_directions(rule, divert);
    lint->moves_source = moved_by(rule, PACKET_SRC, divert) != 0;
    for (size_t i = 0; i < rule->action_count; i++) {
        lint->translation = translation_of(&rule->actions[i]);
        if (lint->translation == NULL)
            continue;
        lint->entry = section_find_entry(lint->section, rule->actions[i].type->key);
        check_answers(lint);
        check_addresses(lint);
        check_prefix(lint);
    }
}

void rule_lint_translations(const struct document *document, const struct config *config,
                            const struct ruleset *ruleset, struct report *report)
{
    struct lint lint = {.config = config, .report = report, .diverted = config->divert.directions};
    size_t rule = 0;

    for (size_t i = 0; i < ruleset->rule_count; i++)
        lint.leads_inbound |= (moved_by(&ruleset->rules[i], PACKET_DST, &config->divert) & IN) != 0;
    for (size_t i = 0; i < document->section_count && rule < ruleset->rule_count; i++) {
        lint.section = &document->sections[i];
        if (lint.section->line == ruleset->rules[rule].line &&
            strcmp(lint.section->file, ruleset->rules[rule].file) == 0)
            check_rule(&lint, &ruleset->rules[rule++]);
    }
}
