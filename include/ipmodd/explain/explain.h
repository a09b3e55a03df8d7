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

/* Appends to CHANGES what tells AFTER from BEFORE on the wire. 0 or -ENOMEM. */
int changes_find(struct changes *changes, const struct packet *before, const struct packet *after);

/* Frees and empties; safe on zeroed ones. */
void changes_clear(struct changes *changes);

/* What a rule had to do with the packet. */
struct explained_rule {
    size_t rule;
    bool matched;
    bool disabled; /* and so not asked */

    /*
     * Neither: the index of the match that did not hold, and what of the packet it was held
     * against (NULL: nothing of the packet). match_count for a fragment of which the rule cannot be
     * told (its first one is not known).
     */
    size_t obstacle;
    char *found;

    struct changes changes; /* matched: what its actions did */
};

/* An end that a flow translates, as "192.0.2.1:4000", or "192.0.2.1 id 7" for a query. */
struct explained_end {
    const char *action;   /* of the rule: "masquerade"; "mapping": it comes from outside to one */
    char *before, *after; /* NULL: this end is not translated */
};

/* What the packet is to the flows that are tracked. */
struct explained_flow {
    bool tracked;
    enum relation relation;
    bool known; /* the packet has a flow, and what follows is said of it */
    enum flow_way way;
    char *original;                         /* "tcp 192.0.2.1:4000 > 198.51.100.1:80" */
    const char *rule;                       /* that translates it; NULL: none that is in force */
    struct explained_end ends[PACKET_ENDS]; /* of ORIGINAL packets */
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
    char *line; /* as it arrived, in one line */
    char *seen; /* as rules see it; NULL: as it arrived */
    struct explained_flow flow;
    struct changes restored; /* before the rules, by its flow */
    struct packet before;    /* as it arrived, with bytes of its own */
    struct packet after;     /* as it is now: with FATE_OUT, as it leaves */
    enum direction direction;
    bool waited;  /* it had been parked, and comes again with its first fragment or in vain */
    size_t split; /* a super-packet: into so many wire packets; 0: it was none, or went whole */
    struct explained_rule *rules; /* in the order of the ruleset */
    size_t rule_count;
    enum fate fate;
    enum reason reason;
    enum decider decider;
    struct changes translated; /* behind the last rule, by its flow */
    struct changes repaired;   /* checksums, in the end */
    char **answers;            /* each in one line */
    size_t answer_count;
};

struct explainer;

/*
 * For packets on PATH, which it borrows; ALL_RULES: speaks also of those that do not match. It sees
 * what its observer is told: all of the path (path_set_observer()), or what another observer passes
 * on. NULL without memory.
 */
struct explainer *explainer_new(struct path *path, bool all_rules);
const struct observer *explainer_observer(const struct explainer *explainer);

/* NULL is allowed. No path calls its observer any more. */
void explainer_free(struct explainer *explainer);

/* Who is told when an explanation is complete, before the next packet arrives; borrowed. */
struct explainer_listener {
    void *context;
    void (*hear)(void *context, const struct explanation *told); /* NULL: no memory for it */
};
void explainer_set_listener(struct explainer *explainer, const struct explainer_listener *listener);

/*
 * About the packet whose fate was told last, until the next one arrives; NULL without memory. Of a
 * super-packet that is split it is about the first segment, and no other may be passed on.
 */
const struct explanation *explainer_get(const struct explainer *explainer);

#endif
