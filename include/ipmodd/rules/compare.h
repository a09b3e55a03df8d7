/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compare: what a configuration would change, were it loaded in place of another.
 *
 * Rules and sets are known by their names. One has changed when it is written differently, though
 * it may mean the same; blanks do not count.
 */
#ifndef IPMODD_RULES_COMPARE_H
#define IPMODD_RULES_COMPARE_H

#include "ipmodd/rules/load.h"

enum change {
    CHANGE_ADDED,
    CHANGE_REMOVED,
    CHANGE_CHANGED,
    CHANGE_COUNT,
};

/* Who is told; each with CONTEXT. Strings are borrowed. */
struct compare_listener {
    void *context;
    void (*rule)(void *context, enum change change, const char *name);
    void (*set)(void *context, enum change change, const char *name);
    /* Both values as the dump of a configuration has them. */
    void (*setting)(void *context, const char *section, const char *key, const char *before,
                    const char *after);
    /* Rules that are in both are asked in another order. */
    void (*order)(void *context);
};

/* Takes n log n steps of the rules. 0, or -ENOMEM with a part told. */
int compare_configurations(const struct loaded *before, const struct loaded *after,
                           const struct compare_listener *listener);

#endif
