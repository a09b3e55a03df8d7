/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netfilter: what the rules of others mean to packets that cross netfilter twice.
 *
 * A diverted packet leaves this host (or is forwarded) with output interface tun0 first, and is
 * then forwarded from tun0 to the real device, without mark, owner and control group. So rules that
 * name the real output interface in the output hook never match, a forward hook that drops by
 * default eats what comes from tun0, and source NAT is met too early, too late or twice. Chains of
 * others are never edited: netfilter_judge() finds them, says what differs and which line helps,
 * and writes the rules of our own table that keep connection tracking right (connections.h).
 *
 * Judged is the JSON of libnftables, which shows iptables-nft too. Mark, owner and control group in
 * an output chain are no finding: there the packet still has them.
 *
 * The rules are read by libnftables in a child process, since that library ends the process when
 * it lacks memory and since a ruleset can be of any size: the child has NETFILTER_MEMORY bytes and
 * is killed when its time is up. What it found comes back through a pipe.
 */
#ifndef IPMODD_KERNEL_NETFILTER_H
#define IPMODD_KERNEL_NETFILTER_H

#include "ipmodd/base/config.h"
#include "ipmodd/base/remark.h"

#include <sys/types.h>

enum {
    NETFILTER_TIME_MS = 3000,             /* of one look */
    NETFILTER_MEMORY = 512 * 1024 * 1024, /* bytes, of the child as a whole */
    NETFILTER_RECIPE_MAX = 64,            /* lines of our own table */
    NETFILTER_LINE = 128,
};

/* What was found. Zeroed when empty. */
struct netfilter_findings {
    struct remarks remarks;
    char (*recipe)[NETFILTER_LINE]; /* rules of nft(8) for packets from tun0; owned */
    size_t recipe_count;
    unsigned nat_families; /* FAMILIES_* for which a rule translates sources */
};

void netfilter_findings_clear(struct netfilter_findings *findings);

/* Adds a line of the recipe unless it is there. 0 or -ENOMEM; -E2BIG above NETFILTER_RECIPE_MAX. */
int netfilter_recipe_add(struct netfilter_findings *findings, const char *line);

/*
 * Where the words of one rule come from, as `nft -as list chain` has them: those of the rule with
 * HANDLE, without a line end, or NULL. They are borrowed until the next call.
 */
struct netfilter_words {
    const char *(*find)(void *context, const char *family, const char *table, const char *chain,
                        int64_t handle);
    void *context;
};

/*
 * Judges TEXT, the JSON of `nft -j list table`, or of a whole ruleset. 0, -EBADMSG when that is no
 * such thing, or -ENOMEM. WORDS let a line that helps say a rule of others again. The findings are
 * to be cleared in any case.
 */
int netfilter_judge(const char *text, const struct config *config,
                    const struct netfilter_words *words, struct netfilter_findings *findings);

/* A look at the rules that is under way. */
struct netfilter_question {
    pid_t child; /* 0 = none */
    int fd;
    uint64_t deadline_ns; /* monotonic */
    char *answer;         /* what came so far */
    size_t used;
};

#define NETFILTER_QUESTION_INIT ((struct netfilter_question){.fd = -1})

/* Begins a look for CONFIG, giving up one that is under way. 0 or -errno. */
int netfilter_ask(struct netfilter_question *question, const struct config *config);

/*
 * Waits up to TIMEOUT_MS for the answer. 1 with RET_FINDINGS, or 0 if there is none yet; -ENOMEM.
 * The question is over unless it returned 0. A ruleset that could not be looked at, in its time or
 * at all, is a remark in the findings.
 */
int netfilter_answer(struct netfilter_question *question, int timeout_ms,
                     struct netfilter_findings *ret_findings);

/* Ends the child of a question that nobody waits for any more; safe on an idle one. */
void netfilter_drop(struct netfilter_question *question);

#endif
