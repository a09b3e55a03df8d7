/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ruleset model: of the JSON of `nft -j list ruleset`, what netfilter_judge.c asks about.
 *
 * A rule is reduced to what it tests of the things that diversion changes, where it sends the
 * packet, and, for source NAT, which source addresses it is for. What is not understood makes a
 * rule conditional, never unconditional.
 */
#ifndef IPMODD_KERNEL_RULESET_MODEL_H
#define IPMODD_KERNEL_RULESET_MODEL_H

#include "ipmodd/base/config.h"

#include <jansson.h>

/* What a rule tests. */
enum {
    TESTS_OIF_OTHER = 1u << 0, /* the output interface is a certain device, not tun0 or lo */
    TESTS_OIF_TUN = 1u << 1,   /* it is tun0 */
    TESTS_OIF = 1u << 2,       /* anything else about it, such as what it is not */
    TESTS_IIF_TUN = 1u << 3,   /* the input interface is tun0 */
    TESTS_MARK = 1u << 4,
    TESTS_OWNER = 1u << 5,
    TESTS_CGROUP = 1u << 6,
    TESTS_PRIORITY = 1u << 7,
    TESTS_MORE = 1u << 8,      /* something else */
    TESTS_IIF_OTHER = 1u << 9, /* the input interface is a certain device, not tun0 or lo */
};

enum rule_target {
    TARGET_NONE, /* goes on with the next rule */
    TARGET_ACCEPT,
    TARGET_DROP, /* or reject */
    TARGET_JUMP, /* or goto, to the chains in `jumps` */
    TARGET_RETURN,
    TARGET_MASQUERADE,
    TARGET_SNAT,
    TARGET_DNAT,
    TARGET_COUNT,
};

/* Borrows all text from the JSON. */
struct model_rule {
    unsigned tests;
    enum rule_target target;
    int64_t handle;
    const json_t *source;    /* right side of a positive test of the source address, or NULL */
    const char *source_word; /* "ip" or "ip6" with SOURCE */
    const json_t *dnat_to;   /* address of TARGET_DNAT, or NULL */
    const char **jumps;      /* owned */
    size_t jump_count;
    unsigned nameless; /* extensions of iptables that the JSON does not name */
};

struct model_chain {
    const char *family, *table, *name;
    const char *type, *hook; /* NULL unless a base chain */
    bool policy_drop;
    struct model_rule *rules; /* owned */
    size_t rule_count;
    unsigned visit; /* of the judge's walks */
};

struct model {
    json_t *root; /* owned */
    struct model_chain *chains;
    size_t chain_count;
};

/* 0, -EBADMSG or -ENOMEM; TUN is the name of our device. To be cleared in any case. */
int model_read(struct model *model, const char *text, const char *tun);
void model_clear(struct model *model);

/*
 * Completes a rule with nameless extensions from its WORDS, as nft(8) lists it: libnftables before
 * 1.0.3 has but `"xt": null` for them in JSON, while its text translates them.
 */
void model_read_words(struct model_rule *rule, const char *words);

/* The chain of that name in the table of CHAIN, or NULL. */
struct model_chain *model_find(const struct model *model, const struct model_chain *chain,
                               const char *name);

#endif
