/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real rule: a rule of the keys that configurations have, for tests of the path. */
#ifndef IPMODD_TESTS_REAL_RULE_H
#define IPMODD_TESTS_REAL_RULE_H

#include "../unit.h"
#include "ipmodd/datapath/ruleset.h"

/* Appends a rule with one match, or none if MATCH is NULL, and the action KEY. */
static inline void real_rule_add(struct ruleset *ruleset, const char *name, const char *match,
                                 const char *match_value, const char *key, const char *value)
{
    const struct action_type *action = action_type_find(key);
    const struct scope scope = scope_all();
    struct value_error error = {""};
    struct rule rule;
    void *parsed;

    assert_int_equal(rule_init(&rule, name, "test", 1), 0);
    if (match != NULL) {
        const struct match_type *type = match_type_find(match);

        assert_int_equal(type->parse(match_value, &scope, &parsed, &error), 0);
        assert_int_equal(rule_add_match(&rule, type, parsed), 0);
    }
    assert_int_equal(action->parse(value, &scope, &parsed, &error), 0);
    assert_int_equal(rule_add_action(&rule, action, parsed), 0);
    assert_int_equal(ruleset_add(ruleset, &rule), 0);
}

#endif
