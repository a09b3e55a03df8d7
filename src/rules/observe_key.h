/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observe keys: what a rule tells of the packets that it matches, without a say in what becomes of
 * them.
 *
 * They neither match nor act, so they narrow nothing and have no order among matches and actions.
 * They are read when all of those are there, because what a capture is labelled with names the
 * actions.
 */
#ifndef IPMODD_RULES_OBSERVE_KEY_H
#define IPMODD_RULES_OBSERVE_KEY_H

#include "rule_work.h"

struct observe_key {
    const char *key;
    const char *grammar; /* one line: what a value looks like */

    /* Adds ENTRY, which has a value, to the rule; reports a refusal. 0 or -ENOMEM. */
    int (*add)(struct rule_work *work, const struct entry *entry);
};

extern const struct observe_key observe_keys[];
extern const size_t observe_key_count;

/* NULL: KEY is none of them. */
const struct observe_key *observe_key_find(const char *key);

#endif
