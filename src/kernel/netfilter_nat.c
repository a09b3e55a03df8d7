/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the NAT of others means for connection tracking, and the rules that keep it right. */
#include "netfilter_judge.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <string.h>

static void add_line(struct judge *judge, const char *line)
{
    int r = netfilter_recipe_add(judge->findings, line);

    if (r == -E2BIG)
        remarks_add(
            &judge->findings->remarks, REMARK_CONNTRACK,
            "netfilter: too many NAT rules to keep connection tracking right for all" REMARK_HELP
            "exclude the networks behind this host");
    else if (r < 0)
        judge->error = r;
}

/* "WORD saddr|daddr PREFIX STATEMENT" for one member of the right side of a test. */
static bool add_prefix_line(struct judge *judge, const char *word, const char *field,
                            const json_t *value, const char *statement)
{
    const json_t *prefix = json_object_get(value, "prefix");
    char line[NETFILTER_LINE];

    if (json_is_string(value) && json_string_value(value)[0] != '@')
        snprintf(line, sizeof(line), "%s %s %s %s", word, field, json_string_value(value),
                 statement);
    else if (prefix != NULL)
        snprintf(line, sizeof(line), "%s %s %s/%" JSON_INTEGER_FORMAT " %s", word, field,
                 json_string_value(json_object_get(prefix, "addr")),
                 json_integer_value(json_object_get(prefix, "len")), statement);
    else
        return false;
    add_line(judge, line);
    return true;
}

/* Likewise for all members; false when one is neither address nor prefix. */
static bool add_prefix_lines(struct judge *judge, const char *word, const char *field,
                             const json_t *value, const char *statement)
{
    const json_t *set = json_object_get(value, "set");
    const json_t *item;
    size_t i;

    if (set == NULL)
        return add_prefix_line(judge, word, field, value, statement);
    json_array_foreach(set, i, item)
    {
        if (!add_prefix_line(judge, word, field, item, statement))
            return false;
    }
    return true;
}

/* STATEMENT for all packets of the families of CHAIN. */
static void add_family_line(struct judge *judge, const struct model_chain *chain,
                            const char *statement)
{
    char line[NETFILTER_LINE];

    if (strcmp(chain->family, "inet") == 0)
        snprintf(line, sizeof(line), "%s", statement);
    else
        snprintf(line, sizeof(line), "meta nfproto %s %s",
                 strcmp(chain->family, "ip") == 0 ? "ipv4" : "ipv6", statement);
    add_line(judge, line);
}

/* tun0 has the IPv6 addresses of all egress devices, and RFC 6724 chooses among them. */
static void remark_source6(struct judge *judge, const struct model_chain *chain)
{
    if ((judge->config->divert.families & FAMILIES_IPV6) != 0 &&
        remarks_add(&judge->findings->remarks, REMARK_CONNTRACK,
                    "netfilter: masquerade in chain %s of table %s %s may take any IPv6 address of "
                    "this host for diverted packets" REMARK_HELP "snat to the one that is meant",
                    chain->name, chain->family, chain->table) < 0)
        judge->error = -ENOMEM;
}

/*
 * NAT without a device, or for anything but a LAN device, takes hold on the way into tun0: what is
 * translated has the host's address then, and answers to the networks behind it must not be tracked
 * a second time.
 */
static void note_early(struct judge *judge, const struct model_chain *chain,
                       const struct model_rule *rule)
{
    judge->has_early_nat = true;
    if (rule->target == TARGET_MASQUERADE && strcmp(chain->family, "ip") != 0)
        remark_source6(judge, chain);
    if (rule->source == NULL ||
        !add_prefix_lines(judge, rule->source_word, "daddr", rule->source, "notrack accept"))
        add_family_line(judge, chain, "notrack accept");
}

/* NAT for the real device sees the packet when it comes from tun0: as a connection of its own. */
static void note_late(struct judge *judge, const struct model_chain *chain,
                      const struct model_rule *rule)
{
    static const char zone[] = "ct original zone set 213";

    if (rule->source == NULL ||
        !add_prefix_lines(judge, rule->source_word, "saddr", rule->source, zone))
        add_family_line(judge, chain, zone);
}

/* TEXT of what FOUND does by output interface, unless a rule for the tun device does so as well. */
static void remark_by_device(struct walk *walk, const struct found *found, const char *text)
{
    char line[ADVICE_LINE];

    if (walk->names_tun)
        return;
    advise_same_for(walk->judge, found, "oif", line);
    judge_remark(walk->judge, REMARK_NAT, walk->base, text, line);
}

/* Whether packets that this rule translates are diverted at all. */
static bool nat_concerns(const struct judge *judge, const struct model_rule *rule, bool is_late)
{
    unsigned directions = judge->config->divert.directions;

    /* This host's own are tracked on the way into tun0 and recognised behind it. */
    return (directions & DIRECTIONS_FORWARD) != 0 || (!is_late && rule->source == NULL);
}

void judge_source_nat(struct walk *walk, const struct found *found)
{
    struct judge *judge = walk->judge;
    bool is_late = (found->tests & TESTS_OIF_OTHER) != 0 && (found->tests & TESTS_OIF_TUN) == 0;

    judge->findings->nat_families |= judge_families(walk->base);
    if (is_late && (found->tests & TESTS_LOST) != 0 && walk->both.rule == NULL)
        walk->both = *found;
    if (is_late && found->rule->target == TARGET_SNAT && found->rule->source == NULL &&
        (judge->config->divert.directions & DIRECTIONS_OUT) != 0)
        remark_by_device(walk, found,
                         "gives this host's packets another source by output interface, which "
                         "diverted ones leave without");
    if (!nat_concerns(judge, found->rule, is_late))
        return;
    if (judge->config->divert.conntrack == CONNTRACK_KEEP)
        judge_remark(judge, REMARK_NAT, walk->base,
                     "translates sources, and diverted packets meet it twice",
                     "[divert] conntrack = auto");
    else if (is_late)
        note_late(judge, found->chain, found->rule);
    else
        note_early(judge, found->chain, found->rule);
}

void judge_port_forward(struct walk *walk, const struct model_rule *rule)
{
    struct judge *judge = walk->judge;
    const char *address = json_string_value(rule->dnat_to);

    if ((judge->config->divert.directions & DIRECTIONS_FORWARD) == 0 ||
        judge->config->divert.conntrack == CONNTRACK_KEEP ||
        strcmp(walk->base->hook, "prerouting") != 0)
        return;
    if (address == NULL || !add_prefix_line(judge, strchr(address, ':') != NULL ? "ip6" : "ip",
                                            "daddr", rule->dnat_to, "notrack accept"))
        judge->has_blind_dnat = true;
}

void judge_split_nat(struct walk *walk)
{
    if (walk->both.rule != NULL)
        remark_by_device(walk, &walk->both,
                         "translates sources by output interface and something that diverted "
                         "packets do not have together with it");
}

void judge_blind_dnat(struct judge *judge)
{
    if (judge->has_blind_dnat && !judge->has_early_nat)
        judge->error = remarks_add(&judge->findings->remarks, REMARK_CONNTRACK,
                                   "netfilter: ports are forwarded to addresses that cannot be "
                                   "seen (iptables DNAT)" REMARK_HELP "[divert] exclude with those "
                                   "addresses");
}
