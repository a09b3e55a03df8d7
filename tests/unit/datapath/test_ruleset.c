/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules and their containers: order, ownership, refusal texts, names of reasons. */
#include "../unit.h"
#include "ipmodd/datapath/ruleset.h"

#include <errno.h>
#include <string.h>

static unsigned freed;

static void count_free(void *value)
{
    (void)value;
    freed++;
}

static const struct match_type match = {.key = "m", .free = count_free};
static const struct action_type edit = {.key = "e", .free = count_free};
static const struct action_type verdict = {.key = "v", .free = count_free, .decides = true};

static void test_deciding_action_is_last(void **state)
{
    struct rule rule;
    int first, second;

    (void)state;
    assert_int_equal(rule_init(&rule, "r", "f", 7), 0);
    assert_int_equal(rule_add_action(&rule, &edit, &first), 0);
    assert_int_equal(rule_add_action(&rule, &verdict, NULL), 0);
    assert_int_equal(rule_add_action(&rule, &edit, &second), 0);
    assert_ptr_equal(rule.actions[0].value, &first);
    assert_ptr_equal(rule.actions[1].value, &second);
    assert_ptr_equal(rule.actions[2].type, &verdict);
    rule_clear(&rule);
}

static void test_everything_is_freed_once(void **state)
{
    struct ruleset *ruleset = ruleset_new(POLICY_DROP, MALFORMED_PASS);

    (void)state;
    freed = 0;
    for (unsigned i = 0; i < 9; i++) {
        struct rule rule;

        assert_int_equal(rule_init(&rule, "r", "f", i), 0);
        for (unsigned j = 0; j < i; j++)
            assert_int_equal(rule_add_match(&rule, &match, NULL), 0);
        assert_int_equal(rule_add_action(&rule, &edit, NULL), 0);
        assert_int_equal(ruleset_add(ruleset, &rule), 0);
        assert_null(rule.name);
        rule_clear(&rule);
    }
    assert_int_equal(ruleset->rule_count, 9);
    assert_int_equal(ruleset->policy, POLICY_DROP);
    assert_int_equal(ruleset->malformed, MALFORMED_PASS);
    for (unsigned i = 0; i < 9; i++) {
        assert_int_equal(ruleset->rules[i].line, i);
        assert_int_equal(ruleset->rules[i].match_count, i);
    }
    assert_int_equal(freed, 0);
    ruleset_free(ruleset);
    assert_int_equal(freed, 36 + 9);
    ruleset_free(NULL);
}

static void test_refusal_text(void **state)
{
    struct value_error error;

    (void)state;
    assert_int_equal(value_refuse(&error, "%d is too large", 300), -EINVAL);
    assert_string_equal(error.text, "300 is too large");
    assert_int_equal(value_refuse(&error, "%400d", 1), -EINVAL);
    assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
}

static void test_reason_names_are_different(void **state)
{
    (void)state;
    for (enum reason a = 0; a < REASON_COUNT; a++) {
        assert_non_null(reason_name(a));
        for (enum reason b = 0; b < a; b++)
            assert_string_not_equal(reason_name(a), reason_name(b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deciding_action_is_last),
        cmocka_unit_test(test_everything_is_freed_once),
        cmocka_unit_test(test_refusal_text),
        cmocka_unit_test(test_reason_names_are_different),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
