/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Narrowing: what the keys of one rule leave of all packets, key by key.
 *
 * Match or action, a key takes from the scope (scope.h) what its value cannot apply to. One that
 * leaves nothing is a contradiction; then it is looked for the earlier key that it contradicts all
 * by itself, so that a sentence can name it.
 */
#ifndef IPMODD_RULES_NARROWING_H
#define IPMODD_RULES_NARROWING_H

#include "document.h"

#include "ipmodd/datapath/scope.h"

#include <stdbool.h>

/* Takes from SCOPE what VALUE cannot apply to, as the records of matches and actions do. */
typedef void narrow_fn(const void *value, struct scope *scope);

/* A key that took something; all of it borrowed. */
struct constraint {
    const struct entry *entry;
    narrow_fn *take;
    const void *value;
};

/* More keys than this cannot stand in a section: there are fewer, and what may repeat narrows
 * nothing. */
enum { CONSTRAINTS_MAX = 64 };

struct narrowing {
    struct scope scope; /* what is left */
    struct constraint constraints[CONSTRAINTS_MAX];
    size_t count;
};

/* Of a rule without keys. */
struct narrowing narrowing_all(void);

/*
 * Has TAKE take what the VALUE of ENTRY leaves out; nothing is done when nothing was left before.
 * False when nothing is left now: *RET_OPPONENT is the key that alone contradicts this one, or NULL
 * when it takes several.
 */
bool narrowing_take(struct narrowing *narrowing, const struct entry *entry, narrow_fn *take,
                    const void *value, const struct entry **ret_opponent);

#endif
