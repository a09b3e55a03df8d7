/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that packets are held against: one immutable object, built off the packet path.
 *
 * rules/ makes it from text, the path (path.h) reads it, and a reload swaps the pointer. Nothing
 * that changes while packets flow is in here: counters and token buckets belong to the path and are
 * kept by rule name over a reload.
 */
#ifndef IPMODD_DATAPATH_RULESET_H
#define IPMODD_DATAPATH_RULESET_H

#include "ipmodd/base/cancel.h"
#include "ipmodd/base/config.h"
#include "ipmodd/base/flow_class.h"
#include "ipmodd/datapath/action.h"
#include "ipmodd/datapath/capture.h"
#include "ipmodd/datapath/match.h"
#include "ipmodd/datapath/rate.h"
#include "ipmodd/datapath/set.h"

struct classifier;

struct rule_match {
    const struct match_type *type;
    void *value;  /* owned; of the type's own kind */
    size_t state; /* with type->state_new: its number among those of the ruleset */
};

struct rule_action {
    const struct action_type *type;
    void *value;
};

/* `log`: at most so many entries, with BURST at once. */
struct rule_log {
    enum log_level level;
    struct rate rate;
    uint64_t burst;
};

/* In front what a packet needs for which it is known that the rule holds. */
struct rule {
    struct rule_action *actions; /* in the order written, the deciding one last */
    size_t action_count;
    bool is_watched; /* logs or captures; set by ruleset_add() */
    bool logs;
    struct rule_capture *capture; /* owned; NULL: none */
    struct rule_match *matches; /* first those of the packet alone, then those that vary, then those
                                   that spend; otherwise in the order added */
    size_t match_count;
    uint32_t identity; /* the same for the same name in every ruleset; not 0 */
    char *name;
    char *file; /* where the section stands */
    unsigned line;
    uint64_t digest;     /* of the section as it was written: text_digest() */
    struct rule_log log; /* with `logs` */
};

struct ruleset {
    enum policy policy;
    enum malformed_policy malformed;
    struct rule *rules; /* in order of appearance */
    size_t rule_count;
    bool tracks_flows;        /* a match or action of some rule asks for them */
    bool shares_addresses;    /* some rule gives sources other addresses and ports */
    struct flow_limits flows; /* of one path; the default unless the builder says otherwise */
    bool reads_upper_layer; /* a match or action of some rule does, so fragments have to be followed
                             */
    size_t match_state_count;      /* matches that keep something between packets */
    struct set_list sets;          /* that matches of the rules point to */
    struct classifier *classifier; /* of a finished set; NULL: it has few rules */
};

/* An empty set; NULL without memory. */
struct ruleset *ruleset_new(enum policy policy, enum malformed_policy malformed);

/*
 * Appends RULE, whose contents the set then owns (also when -ENOMEM is returned: they are freed).
 * RULE is left empty.
 */
int ruleset_add(struct ruleset *ruleset, struct rule *rule);

/*
 * Compiles the rules, all of which are there. 0, or -ENOMEM or -ECANCELED (cancel.h; NULL is
 * allowed) with the set as it was.
 */
int ruleset_finish(struct ruleset *ruleset, const atomic_bool *cancel);

/* Whether a rule has the action with this key. */
bool ruleset_has_action(const struct ruleset *ruleset, const char *key);

/* Copies NAME and FILE. 0 or -ENOMEM. */
int rule_init(struct rule *rule, const char *name, const char *file, unsigned line);

/* Take over VALUE, also on failure. 0 or -ENOMEM. */
int rule_add_match(struct rule *rule, const struct match_type *type, void *value);
int rule_add_action(struct rule *rule, const struct action_type *type, void *value);

/* "set-dscp = ef, set-ttl = 9"; nothing for a rule without actions. */
void rule_print_actions(const struct rule *rule, FILE *out);

/* Frees what RULE owns and empties it. */
void rule_clear(struct rule *rule);

/* NULL is allowed. */
void ruleset_free(struct ruleset *ruleset);

#endif
