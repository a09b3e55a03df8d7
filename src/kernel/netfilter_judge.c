/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the chains that a diverted packet meets differently. */
#include "netfilter_judge.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

unsigned judge_families(const struct model_chain *chain)
{
    unsigned families = 0;

    if (strcmp(chain->family, "ip") == 0 || strcmp(chain->family, "inet") == 0)
        families |= FAMILIES_IPV4;
    if (strcmp(chain->family, "ip6") == 0 || strcmp(chain->family, "inet") == 0)
        families |= FAMILIES_IPV6;
    return families;
}

void judge_remark(struct judge *judge, enum remark_kind kind, const struct model_chain *base,
                  const char *what, const char *line)
{
    if (remarks_add(&judge->findings->remarks, kind,
                    "netfilter: chain %s of table %s %s %s" REMARK_HELP "%s", base->name,
                    base->family, base->table, what, line) < 0)
        judge->error = -ENOMEM;
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
        advise_forward(judge, walk->base, false, line);
        judge_remark(judge, REMARK_FORWARD, walk->base, "drops what comes back from the tun device",
                     line);
    }
    if (forwards && !walk->to_tun && strcmp(walk->base->table, "firewalld") != 0) {
        advise_forward(judge, walk->base, true, line);
        judge_remark(judge, REMARK_FORWARD, walk->base,
                     "drops forwarded packets on their way to the tun device", line);
    }
}

static void judge_output(struct walk *walk)
{
    const struct found *found = &walk->other_oif;
    char line[ADVICE_LINE];

    if (found->rule == NULL || walk->names_tun)
        return;
    advise_same_for(walk->judge, found, "oif", line);
    judge_remark(walk->judge, REMARK_OUTPUT, walk->base,
                 "tests the output interface, which is the tun device for diverted packets there",
                 line);
}

/* What comes in passes here with tun0 as input interface. */
static void judge_input(struct walk *walk)
{
    const struct found *found = &walk->other_iif;
    char line[ADVICE_LINE];

    if (found->rule == NULL || walk->names_tun_in ||
        (walk->judge->config->divert.directions & DIRECTIONS_IN) == 0)
        return;
    advise_same_for(walk->judge, found, "iif", line);
    judge_remark(
        walk->judge, REMARK_OUTPUT, walk->base,
        "tests the input interface, which is the tun device for what is diverted on its way in",
        line);
}

static void judge_postrouting(struct walk *walk)
{
    const struct model_chain *base = walk->base;
    char line[ADVICE_LINE];

    if (walk->lost.rule == NULL || walk->from_tun)
        return;
    snprintf(line, sizeof(line), "nft insert rule %s %s %s iifname \"%s\" accept", base->family,
             base->table, base->name, walk->judge->config->tun.name);
    judge_remark(
        walk->judge, REMARK_OUTPUT, base,
        "tests mark, owner, control group or priority, which packets that come back from the "
        "tun device have lost",
        line);
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
            judge_source_nat(walk, found);
        return true;
    case TARGET_DNAT:
        judge_port_forward(walk, found->rule);
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
           (judge_families(chain) & config->divert.families) != 0;
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
        judge_split_nat(&walk);
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
        judge_blind_dnat(&judge);
    model_clear(&model);
    return r < 0 ? r : judge.error;
}
