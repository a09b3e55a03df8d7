/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Request lines taken apart: blanks, quotes, escapes, and what is wrong with others. */
#include "../unit.h"
#include "words.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <string.h>

static void expect(const char *line, size_t count, const char *const *items)
{
    struct words CLEANUP(words_clear) words = {.count = 0};
    const char *fault = NULL;

    assert_int_equal(words_split(line, strlen(line), &words, &fault), 0);
    assert_int_equal(words.count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(words.items[i], items[i]);
}

static void refuse(const char *line, size_t length, const char *text)
{
    struct words words;
    const char *fault = NULL;

    assert_int_equal(words_split(line, length, &words, &fault), -EINVAL);
    assert_non_null(strstr(fault, text));
}

static void test_blanks(void **state)
{
    (void)state;
    expect("", 0, NULL);
    expect(" \t\r", 0, NULL);
    expect("status", 1, (const char *const[]){"status"});
    expect("  enable\tvoice \r", 2, (const char *const[]){"enable", "voice"});
    expect("a b c d e f", 6, (const char *const[]){"a", "b", "c", "d", "e", "f"});
}

static void test_quotes(void **state)
{
    (void)state;
    expect("check \"[main]\\nseed = 1\\n\"", 2,
           (const char *const[]){"check", "[main]\nseed = 1\n"});
    expect("payload=\"a b\\t\\\"c\\\"\\\\\" x", 2,
           (const char *const[]){"payload=a b\t\"c\"\\", "x"});
    expect("\"\" \"\"", 2, (const char *const[]){"", ""});
    expect("a\"b\"c", 1, (const char *const[]){"abc"});
}

static void test_backslash_outside_of_quotes_is_itself(void **state)
{
    (void)state;
    expect("payload-regex=\\d+", 1, (const char *const[]){"payload-regex=\\d+"});
}

static void test_faults(void **state)
{
    (void)state;
    refuse("a \"b", 4, "not closed");
    refuse("a \"b\\", 5, "backslash");
    refuse("\"\\x41\"", 6, "backslash");
    refuse("a\0b", 3, "NUL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blanks),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_backslash_outside_of_quotes_is_itself),
        cmocka_unit_test(test_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
