/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the chains that a diverted packet meets differently, and the lines that help. */
#include "kernel/netfilter.h"
#include "kernel/ruleset_model.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
    DEPTH_MAX = 32,
    LINE = 512, /* of what helps */
};

/* Lost between the two passes through netfilter. */
enum { TESTS_LOST = TESTS_MARK | TESTS_OWNER | TESTS_CGROUP | TESTS_PRIORITY };

/* A rule, the chain it stands in, and what was tested on the way to it. */
struct found {
    const struct model_chain *chain;
    const struct model_rule *rule;
    unsigned tests;
};

struct judge {
    const struct config *config;
    const struct netfilter_words *words;
    struct model *model;
    struct netfilter_findings *findings;
    bool has_early_nat;  /* it applies on the way into tun0 */
    bool has_blind_dnat; /* to addresses that the JSON does not show */
    unsigned visits;
    int error;
};

/* What a walk through one base chain and all it leads to has seen. */
struct walk {
    struct judge *judge;
    const struct model_chain *base;
    struct found other_oif; /* a rule for a device that diverted packets do not have there */
    struct found other_iif; /* the same as input */
    struct found lost;      /* a rule for what is lost between the passes */
    struct found both;      /* source NAT for a device and what is lost */
    bool names_tun;         /* a rule for tun0 as output interface */
    bool names_tun_in;      /* as input interface */
    bool from_tun, to_tun;  /* accepted */
    bool drops;             /* what nothing accepted */
};

static unsigned families_of(const struct model_chain *chain)
{
    unsigned families = 0;

    if (strcmp(chain->family, "ip") == 0 || strcmp(chain->family, "inet") == 0)
        families |= FAMILIES_IPV4;
    if (strcmp(chain->family, "ip6") == 0 || strcmp(chain->family, "inet") == 0)
        families |= FAMILIES_IPV6;
    return families;
}

static void remark(struct judge *judge, enum remark_kind kind, const struct model_chain *base,
                   const char *what, const char *line)
{
    if (remarks_add(&judge->findings->remarks, kind,
                    "netfilter: chain %s of table %s %s %s" REMARK_HELP "%s", base->name,
                    base->family, base->table, what, line) < 0)
        judge->error = -ENOMEM;
}

/* Where the names behind "oif" or "oifname" end. */
static const char *end_of_names(const char *names)
{
    const char *end = names[0] == '{' ? strchr(names, '}') : strchr(names + 1, '"');

    return end != NULL ? end + 1 : NULL;
}

/* RULE, in words, for TUN in place of the devices that it names; false if that cannot be said. */
static bool rename_device(const char *rule, const char *which, const char *tun, char *text,
                          size_t size)
{
    const char *key = strstr(rule, which);
    const char *names = key != NULL ? strchr(key, ' ') : NULL;
    const char *rest =
        names != NULL && (names[1] == '"' || names[1] == '{') ? end_of_names(names + 1) : NULL;

    /* What iptables has and nft does not know cannot be given to nft. */
    if (rest == NULL || strstr(rule, "xt ") != NULL || strchr(rule, '\'') != NULL)
        return false;
    return (size_t)snprintf(text, size, "%.*s%sname \"%s\"%s", (int)(key - rule), rule, which, tun,
                            rest) < size;
}

/*
 * The line that says a rule again for tun0, behind it; or where to find the rule. WHICH is the
 * interface that the rule is for: "oif" or "iif".
 */
static void same_for(const struct judge *judge, const struct found *found, const char *which,
                     char line[static LINE])
{
    const struct model_chain *chain = found->chain;
    const char *tun = judge->config->tun.name;
    const char *rule = judge->words->find(judge->words->context, chain->family, chain->table,
                                          chain->name, found->rule->handle);
    char text[LINE - 128];

    if (rule != NULL && rename_device(rule, which, tun, text, sizeof(text)))
        snprintf(line, LINE, "nft 'add rule %s %s %s handle %" PRId64 " %s'", chain->family,
                 chain->table, chain->name, found->rule->handle, text);
    else
        snprintf(line, LINE,
                 "the same rule for %s, next to handle %" PRId64 " in `nft -a list chain %s %s %s`",
                 tun, found->rule->handle, chain->family, chain->table, chain->name);
}

static void same_for_tun(const struct judge *judge, const struct found *found,
                         char line[static LINE])
{
    same_for(judge, found, "oif", line);
}

static bool is_iptables(const struct model_chain *chain)
{
    return strcmp(chain->family, "inet") != 0 &&
           strspn(chain->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(chain->name);
}

static const char *iptables_tool(const struct model_chain *chain)
{
    return strcmp(chain->family, "ip6") == 0 ? "ip6tables" : "iptables";
}

/* The line that lets packets with tun0 as input (or OUTPUT) interface through a forward chain. */
static void forward_line(const struct judge *judge, const struct model_chain *base, bool output,
                         char line[static NETFILTER_LINE])
{
    const char *tun = judge->config->tun.name;

    if (model_find(judge->model, base, "ufw-before-forward") != NULL ||
        model_find(judge->model, base, "ufw6-before-forward") != NULL)
        snprintf(line, NETFILTER_LINE, "ufw route allow %s on %s", output ? "out" : "in", tun);
    else if (strcmp(base->table, "firewalld") == 0)
        snprintf(line, NETFILTER_LINE, "firewall-cmd --zone=trusted --add-interface=%s", tun);
    else if (is_iptables(base))
        snprintf(line, NETFILTER_LINE, "%s -t %s -I %s -%c %s -j ACCEPT", iptables_tool(base),
                 base->table,
                 model_find(judge->model, base, "DOCKER-USER") != NULL ? "DOCKER-USER" : base->name,
                 output ? 'o' : 'i', tun);
    else
        snprintf(line, NETFILTER_LINE, "nft insert rule %s %s %s %cifname \"%s\" accept",
                 base->family, base->table, base->name, output ? 'o' : 'i', tun);
}

static void judge_forward(struct walk *walk)
{
    struct judge *judge = walk->judge;
    unsigned directions = judge->config->divert.directions;
    bool forwards = (directions & (DIRECTIONS_FORWARD | DIRECTIONS_IN)) != 0;
    char line[NETFILTER_LINE];

    if (!walk->drops)
        return;
    if (!walk->from_tun && (directions & (DIRECTIONS_OUT | DIRECTIONS_FORWARD)) != 0) {
        forward_line(judge, walk->base, false, line);
        remark(judge, REMARK_FORWARD, walk->base, "drops what comes back from the tun device",
               line);
    }
    if (forwards && !walk->to_tun && strcmp(walk->base->table, "firewalld") != 0) {
        forward_line(judge, walk->base, true, line);
        remark(judge, REMARK_FORWARD, walk->base,
               "drops forwarded packets on their way to the tun device", line);
    }
}

static void judge_output(struct walk *walk)
{
    const struct found *found = &walk->other_oif;
    char line[LINE];

    if (found->rule == NULL || walk->names_tun)
        return;
    same_for_tun(walk->judge, found, line);
    remark(walk->judge, REMARK_OUTPUT, walk->base,
           "tests the output interface, which is the tun device for diverted packets there", line);
}

/* What comes in passes here with tun0 as input interface. */
static void judge_input(struct walk *walk)
{
    const struct found *found = &walk->other_iif;
    char line[LINE];

    if (found->rule == NULL || walk->names_tun_in ||
        (walk->judge->config->divert.directions & DIRECTIONS_IN) == 0)
        return;
    same_for(walk->judge, found, "iif", line);
    remark(walk->judge, REMARK_OUTPUT, walk->base,
           "tests the input interface, which is the tun device for what is diverted on its way in",
           line);
}

static void judge_postrouting(struct walk *walk)
{
    const struct model_chain *base = walk->base;
    char line[LINE];

    if (walk->lost.rule == NULL || walk->from_tun)
        return;
    snprintf(line, sizeof(line), "nft insert rule %s %s %s iifname \"%s\" accept", base->family,
             base->table, base->name, walk->judge->config->tun.name);
    remark(walk->judge, REMARK_OUTPUT, base,
           "tests mark, owner, control group or priority, which packets that come back from the "
           "tun device have lost",
           line);
}

static void judge_nat(struct walk *walk)
{
    const struct found *found = &walk->both;
    char line[LINE];

    if (found->rule == NULL || walk->names_tun)
        return;
    same_for_tun(walk->judge, found, line);
    remark(walk->judge, REMARK_NAT, walk->base,
           "translates sources by output interface and something that diverted packets do not have "
           "together with it",
           line);
}

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

static void remark_own_snat(struct walk *walk, const struct found *found)
{
    char line[LINE];

    if (walk->names_tun)
        return;
    same_for_tun(walk->judge, found, line);
    remark(walk->judge, REMARK_NAT, walk->base,
           "gives this host's packets another source by output interface, which diverted ones "
           "leave without",
           line);
}

/* Whether packets that this rule translates are diverted at all. */
static bool nat_concerns(const struct judge *judge, const struct model_rule *rule, bool is_late)
{
    unsigned directions = judge->config->divert.directions;

    /* This host's own are tracked on the way into tun0 and recognised behind it. */
    return (directions & DIRECTIONS_FORWARD) != 0 || (!is_late && rule->source == NULL);
}

static void note_nat(struct walk *walk, const struct found *found)
{
    struct judge *judge = walk->judge;
    bool is_late = (found->tests & TESTS_OIF_OTHER) != 0 && (found->tests & TESTS_OIF_TUN) == 0;

    judge->findings->nat_families |= families_of(walk->base);
    if (is_late && (found->tests & TESTS_LOST) != 0 && walk->both.rule == NULL)
        walk->both = *found;
    if (is_late && found->rule->target == TARGET_SNAT && found->rule->source == NULL &&
        (judge->config->divert.directions & DIRECTIONS_OUT) != 0)
        remark_own_snat(walk, found);
    if (!nat_concerns(judge, found->rule, is_late))
        return;
    if (judge->config->divert.conntrack == CONNTRACK_KEEP)
        remark(judge, REMARK_NAT, walk->base,
               "translates sources, and diverted packets meet it twice",
               "[divert] conntrack = auto");
    else if (is_late)
        note_late(judge, found->chain, found->rule);
    else
        note_early(judge, found->chain, found->rule);
}

/* A port that is forwarded to a host behind this one: tracked on the way into tun0 alone. */
static void note_dnat(struct walk *walk, const struct model_rule *rule)
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

static void walk_chain(struct walk *walk, struct model_chain *chain, unsigned tests, int depth);

static void walk_jumps(struct walk *walk, const struct found *found, int depth)
{
    for (size_t i = 0; i < found->rule->jump_count; i++) {
        struct model_chain *next =
            model_find(walk->judge->model, found->chain, found->rule->jumps[i]);

        if (next != NULL && next->visit != walk->judge->visits && depth < DEPTH_MAX)
            walk_chain(walk, next, found->tests, depth + 1);
    }
}

static void note_tests(struct walk *walk, const struct found *found)
{
    if ((found->tests & TESTS_OIF_OTHER) != 0 && walk->other_oif.rule == NULL)
        walk->other_oif = *found;
    if ((found->tests & TESTS_LOST) != 0 && walk->lost.rule == NULL)
        walk->lost = *found;
    if ((found->tests & TESTS_IIF_OTHER) != 0 && walk->other_iif.rule == NULL)
        walk->other_iif = *found;
    walk->names_tun |= (found->tests & TESTS_OIF_TUN) != 0;
    walk->names_tun_in |= (found->tests & TESTS_IIF_TUN) != 0;
}

static void note_accept(struct walk *walk, unsigned tests)
{
    bool for_all = tests == 0;

    walk->from_tun |= for_all || (tests & TESTS_IIF_TUN) != 0;
    walk->to_tun |= for_all || (tests & TESTS_OIF_TUN) != 0;
}

/* False when no later rule of the chain is reached. */
static bool walk_rule(struct walk *walk, const struct found *found, int depth)
{
    switch (found->rule->target) {
    case TARGET_ACCEPT:
        note_accept(walk, found->tests);
        return found->tests != 0;
    case TARGET_DROP:
        walk->drops |= found->tests == 0;
        return found->tests != 0;
    case TARGET_RETURN:
        return found->rule->tests != 0;
    case TARGET_JUMP:
        walk_jumps(walk, found, depth);
        return true;
    case TARGET_MASQUERADE:
    case TARGET_SNAT:
        if (strcmp(walk->base->hook, "postrouting") == 0)
            note_nat(walk, found);
        return true;
    case TARGET_DNAT:
        note_dnat(walk, found->rule);
        return true;
    case TARGET_NONE:
    case TARGET_COUNT:
        break;
    }
    return true;
}

static void walk_chain(struct walk *walk, struct model_chain *chain, unsigned tests, int depth)
{
    chain->visit = walk->judge->visits;
    for (size_t i = 0; i < chain->rule_count; i++) {
        const struct found found = {
            .chain = chain, .rule = &chain->rules[i], .tests = tests | chain->rules[i].tests};

        note_tests(walk, &found);
        if (!walk_rule(walk, &found, depth))
            return;
    }
}

static bool concerns(const struct config *config, const struct model_chain *chain)
{
    return chain->hook != NULL && chain->type != NULL &&
           (families_of(chain) & config->divert.families) != 0;
}

static void judge_chain(struct judge *judge, struct model_chain *base)
{
    struct walk walk = {.judge = judge, .base = base, .drops = base->policy_drop};

    judge->visits++;
    /* Known before the rules are looked at, since one for tun0 mends what stands before it. */
    for (size_t i = 0; i < base->rule_count; i++)
        walk.names_tun |= (base->rules[i].tests & TESTS_OIF_TUN) != 0;
    walk_chain(&walk, base, 0, 0);
    if (strcmp(base->hook, "forward") == 0)
        judge_forward(&walk);
    else if (strcmp(base->hook, "output") == 0)
        judge_output(&walk);
    else if (strcmp(base->hook, "input") == 0)
        judge_input(&walk);
    else if (strcmp(base->hook, "postrouting") == 0 && strcmp(base->type, "nat") != 0)
        judge_postrouting(&walk);
    else if (strcmp(base->hook, "postrouting") == 0)
        judge_nat(&walk);
}

/* The networks of early NAT are not tracked twice: what is forwarded into them is safe too. */
static void judge_dnat(struct judge *judge)
{
    if (judge->has_blind_dnat && !judge->has_early_nat)
        judge->error = remarks_add(&judge->findings->remarks, REMARK_CONNTRACK,
                                   "netfilter: ports are forwarded to addresses that cannot be "
                                   "seen (iptables DNAT)" REMARK_HELP "[divert] exclude with those "
                                   "addresses");
}

static void name_extensions(struct model_chain *chain, const struct netfilter_words *words)
{
    for (size_t i = 0; i < chain->rule_count; i++) {
        struct model_rule *rule = &chain->rules[i];
        const char *text = NULL;

        if (rule->nameless == 0)
            continue;
        if (rule->handle > 0)
            text =
                words->find(words->context, chain->family, chain->table, chain->name, rule->handle);
        model_read_words(rule, text != NULL ? text : "");
    }
}

int netfilter_judge(const char *text, const struct config *config,
                    const struct netfilter_words *words, struct netfilter_findings *findings)
{
    struct model model;
    struct judge judge = {.config = config, .words = words, .model = &model, .findings = findings};
    int r = model_read(&model, text, config->tun.name);

    for (size_t i = 0; r == 0 && i < model.chain_count; i++)
        name_extensions(&model.chains[i], words);
    for (size_t i = 0; r == 0 && i < model.chain_count; i++) {
        if (concerns(config, &model.chains[i]))
            judge_chain(&judge, &model.chains[i]);
    }
    if (r == 0)
        judge_dnat(&judge);
    model_clear(&model);
    return r < 0 ? r : judge.error;
}
