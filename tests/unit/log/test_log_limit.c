/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log's rate limit: burst, pace, and the count of what was kept back. */
#include "../unit.h"
#include "ipmodd/log/limit.h"

static void test_counts_what_it_keeps_back(void **state)
{
    struct log_limit limit = log_limit_make(2, 1000);
    uint64_t suppressed = 99;

    (void)state;
    assert_true(log_limit_take(&limit, 5000, &suppressed));
    assert_int_equal(suppressed, 0);
    assert_true(log_limit_take(&limit, 5000, &suppressed));
    assert_false(log_limit_take(&limit, 5001, &suppressed));
    assert_false(log_limit_take(&limit, 5002, &suppressed));
    assert_true(log_limit_take(&limit, 6000, &suppressed));
    assert_int_equal(suppressed, 2);
    assert_true(log_limit_take(&limit, 8000, &suppressed));
    assert_int_equal(suppressed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts_what_it_keeps_back)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
