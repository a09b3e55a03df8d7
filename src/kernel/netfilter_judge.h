/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of netfilter_judge(): the walk through the chains of one hook and what it has to say
 * (netfilter_judge.c), what the NAT of others means for connection tracking (netfilter_nat.c), and
 * the commands that help (netfilter_advice.c). A judge lives for one look at the ruleset; a walk
 * for one base chain of it. What a judge can't say for want of memory is its error in the end.
 */
#ifndef IPMODD_KERNEL_NETFILTER_JUDGE_H
#define IPMODD_KERNEL_NETFILTER_JUDGE_H

#include "kernel/netfilter.h"
#include "kernel/ruleset_model.h"

enum { ADVICE_LINE = 512 };

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

/* FAMILIES_… that a chain is for. */
unsigned judge_families(const struct model_chain *chain);
/* Says WHAT is with a base chain, and the LINE that helps. */
void judge_remark(struct judge *judge, enum remark_kind kind, const struct model_chain *base,
                  const char *what, const char *line);

/*
 * The line that says a rule again for tun0, behind it; or where to find the rule. WHICH is the
 * interface that the rule is for: "oif" or "iif".
 */
void advise_same_for(const struct judge *judge, const struct found *found, const char *which,
                     char line[static ADVICE_LINE]);
/* The line that lets packets with tun0 as input (or OUTPUT) interface through a forward chain. */
void advise_forward(const struct judge *judge, const struct model_chain *base, bool output,
                    char line[static NETFILTER_LINE]);

/* A rule that translates sources, met on the walk. */
void judge_source_nat(struct walk *walk, const struct found *found);
/* A port that is forwarded to a host behind this one: tracked on the way into tun0 alone. */
void judge_port_forward(struct walk *walk, const struct model_rule *rule);
/* After the walk through a chain of NAT: what depends on things that diverted packets lack. */
void judge_split_nat(struct walk *walk);
/*
 * After all walks. The networks of early NAT are not tracked twice: what is forwarded into them is
 * safe too.
 */
void judge_blind_dnat(struct judge *judge);

#endif
