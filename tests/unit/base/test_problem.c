/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collected problems: severity and the printed form. */
#include "../unit.h"
#include "ipmodd/base/problem.h"

#include <string.h>

static void assert_prints(const struct place *place, enum problem_severity severity,
                          const char *expected)
{
    struct problems problems = PROBLEMS_INIT;
    char text[256] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    problems_add(&problems, severity, place, "no such %s", "thing");
    problem_print(&problems.items[0], out);
    fclose(out);
    assert_string_equal(text, expected);
    assert_int_equal(problems_have_errors(&problems), severity == PROBLEM_ERROR);
    problems_clear(&problems);
    assert_false(problems_have_errors(&problems));
}

static void test_print(void **state)
{
    (void)state;
    assert_prints(&(struct place){.file = "a.conf", .line = 3, .section = "rule x", .key = "dst"},
                  PROBLEM_ERROR, "a.conf:3: [rule x] dst: no such thing");
    assert_prints(&(struct place){.file = "a.conf"}, PROBLEM_ERROR, "a.conf: no such thing");
    assert_prints(&(struct place){.file = "a.conf", .line = 9, .section = "tun"}, PROBLEM_WARNING,
                  "a.conf:9: [tun] warning: no such thing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_print)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
