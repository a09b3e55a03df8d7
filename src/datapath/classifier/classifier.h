/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classifier: what a ruleset is compiled into, so that a packet need not be held against each rule.
 *
 * For each family a rule tree (rule_tree.h) over the boxes of the rules finds the few that may hold
 * for a packet; their matches decide. What was found is kept for the next packet of the flow
 * (flow_cache.h). Neither changes what a ruleset does: rules act as if they were held against the
 * packet one after the other.
 *
 * What is found is a run of rules: those from some number on whose matches on fields of the flow
 * (field.h) hold. Where a rule has other matches too, it is to be asked for each packet. The run
 * ends behind the first rule that decides or that writes a field which a later rule reads, or when
 * it is full; from there on another search goes on with the packet as it is then.
 *
 * Immutable once made; the ruleset owns it, and any number of paths use it.
 */
#ifndef IPMODD_DATAPATH_CLASSIFIER_H
#define IPMODD_DATAPATH_CLASSIFIER_H

#include "flow_key.h"
#include "rule_tree.h"

#include "ipmodd/datapath/ruleset.h"

enum {
    /* With as many rules, to ask all of them is about as fast. */
    CLASSIFIER_RULES_MIN = 8,
    CLASSIFIER_RULES_MAX = 1 << 26,
    RUN_RULES = 16,
};

/* With a rule's number in a run: asks it, since it may not hold for this packet. */
#define RUN_ASK UINT32_C(0x80000000)

struct rule_run {
    uint32_t count;
    uint32_t resume;           /* number of the rule from which on nothing was found out */
    uint32_t rules[RUN_RULES]; /* ascending */
};

struct classifier {
    const struct ruleset *ruleset;
    uint8_t *traits; /* of each rule: enum rule_trait */
    struct flow_mask masks[FAMILY_COUNT];
    struct rule_tree *trees[FAMILY_COUNT];
};

enum rule_trait {
    RULE_HAS_OTHER_MATCHES = 1u << 0, /* than on fields of the flow alone */
    RULE_HAS_WIRE_MATCHES = 1u << 1,  /* that speak of one wire packet */
    RULE_HAS_UPPER_MATCHES = 1u << 2, /* that read the upper layer, which orphans do not have */
    RULE_DECIDES = 1u << 3,
    RULE_CHANGES_LATER = 1u << 4, /* writes what a later rule reads */
};

/* For a RULESET that does not change any more. 0, -ENOMEM or -ECANCELED. */
int classifier_new(const struct ruleset *ruleset, const atomic_bool *cancel,
                   struct classifier **ret_classifier);
void classifier_free(struct classifier *classifier);

/* The rules from number FROM on that hold for PACKET as far as its flow tells. */
void classifier_search(const struct classifier *classifier, const struct match_context *context,
                       const struct packet *packet, size_t from, struct rule_run *ret_run);

/*
 * The same in two steps, the first one for COUNT packets of FAMILY together, at most FORESIGHT_MAX,
 * none of which is an orphan; from rule number 0 on.
 */
void classifier_foresee(const struct classifier *classifier, enum ip_family family,
                        const struct packet *const *packets, size_t count,
                        struct rule_foresight *ret_foresights);
void classifier_search_on(const struct classifier *classifier, const struct match_context *context,
                          const struct packet *packet, const struct rule_foresight *foresight,
                          struct rule_run *ret_run);

#endif
