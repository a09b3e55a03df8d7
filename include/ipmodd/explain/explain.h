/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Explanations: what became of one packet and why, put together by looking on (observer.h).
 *
 * An explanation is data; how it is shown is up to whoever asked. It says what each rule did that
 * matched, on request also what kept each other rule from matching, which details changed and who
 * decided. Rules are those of the path; texts are owned by the explanation.
 */
#ifndef IPMODD_EXPLAIN_EXPLAIN_H
#define IPMODD_EXPLAIN_EXPLAIN_H

#include "ipmodd/datapath/path.h"
#include "ipmodd/explain/detail.h"

/* A detail that is not what it was; NULL: there was, or is, none. */
struct change {
    const char *name;
    char *before, *after;
};

struct changes {
    struct change *items;
    size_t count;
};

/* What a rule had to do with the packet. */
struct explained_rule {
    size_t rule;
    bool matched;

    /*
     * Not matched: the index of the match that did not hold, and what of the packet it was held
     * against (NULL: nothing of the packet). match_count for a fragment of which the rule cannot be
     * told (its first one is not known).
     */
    size_t obstacle;
    char *found;

    struct changes changes; /* matched: what its actions did */
};

/* Who decided the packet's fate. */
enum decider {
    DECIDED_BY_RULE,   /* the last one that matched */
    DECIDED_BY_POLICY, /* no rule did */
    DECIDED_BY_PATH,   /* neither: malformed, a fragment that cannot be judged, a loop */
};

struct explanation {
    bool parsed; /* otherwise FAULT says why not, and there are no details */
    enum reason fault;
    char *line;           /* as it arrived, in one line */
    struct packet before; /* as it arrived, with bytes of its own */
    struct packet after;  /* as it is now: with FATE_OUT, as it leaves */
    enum direction direction;
    struct explained_rule *rules; /* in the order of the ruleset */
    size_t rule_count;
    enum fate fate;
    enum reason reason;
    enum decider decider;
    struct changes repaired; /* checksums, behind the last rule */
    char **answers;          /* each in one line */
    size_t answer_count;
};

struct explainer;

/*
 * Looks on PATH, which it borrows, from now on; ALL_RULES: also at those that do not match. NULL
 * without memory.
 */
struct explainer *explainer_new(struct path *path, bool all_rules);

/* NULL is allowed. The path goes on without anybody. */
void explainer_free(struct explainer *explainer);

/*
 * About the one packet of the batch that was run last, until the next one is run; NULL without
 * memory. Batches with more than one packet are not explained.
 */
const struct explanation *explainer_get(const struct explainer *explainer);

#endif
