/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blanks, numbers at their limits, lists, and the names that are near to a mistyped one. */
#include "../unit.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

#include <errno.h>
#include <string.h>

static void test_strip(void **state)
{
    char blanks[] = " \t\r\n\v\f";
    char word[] = "\t a b \r\n";
    char empty[] = "";

    (void)state;
    assert_string_equal(text_strip(word), "a b");
    assert_string_equal(text_strip(blanks), "");
    assert_string_equal(text_strip(empty), "");
}

static void assert_number(const char *text, uint64_t max, int result, uint64_t expected)
{
    uint64_t number = 77;

    assert_int_equal(text_parse_number(text, max, &number), result);
    assert_int_equal(number, result == 0 ? expected : 77);
}

static void test_numbers(void **state)
{
    (void)state;
    assert_number("0", 0, 0, 0);
    assert_number("007", 7, 0, 7);
    assert_number("65535", 65535, 0, 65535);
    assert_number("65536", 65535, -ERANGE, 0);
    assert_number("655350", 65535, -ERANGE, 0);
    assert_number("9", 5, -ERANGE, 0);
    assert_number("18446744073709551615", UINT64_MAX, 0, UINT64_MAX);
    assert_number("18446744073709551616", UINT64_MAX, -ERANGE, 0);
    assert_number("99999999999999999999999999", UINT64_MAX, -ERANGE, 0);
    assert_number("", 9, -EINVAL, 0);
    assert_number("-1", 9, -EINVAL, 0);
    assert_number("+1", 9, -EINVAL, 0);
    assert_number(" 1", 9, -EINVAL, 0);
    assert_number("1x", 9, -EINVAL, 0);
    assert_number("0x1", 9, -EINVAL, 0);
}

static void assert_seconds(const char *text, int result, uint32_t expected)
{
    uint32_t seconds = 77;

    assert_int_equal(text_parse_seconds(text, 86400, &seconds), result);
    assert_int_equal(seconds, result == 0 ? expected : 77);
}

static void test_seconds(void **state)
{
    (void)state;
    assert_seconds("1", 0, 1);
    assert_seconds("60s", 0, 60);
    assert_seconds("5min", 0, 300);
    assert_seconds("24h", 0, 86400);
    assert_seconds("1d", 0, 86400);
    assert_seconds("0s", -EINVAL, 0);
    assert_seconds("", -EINVAL, 0);
    assert_seconds("s", -EINVAL, 0);
    assert_seconds("-1s", -EINVAL, 0);
    assert_seconds("60 s", -EINVAL, 0);
    assert_seconds("1m", -EINVAL, 0);
    assert_seconds("86401", -ERANGE, 0);
    assert_seconds("25h", -ERANGE, 0);
    assert_seconds("99999999999999999999d", -ERANGE, 0);
}

static void test_lists(void **state)
{
    struct text_list list;

    (void)state;
    assert_int_equal(text_list_split(" a b , !c,! d ", &list), 0);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].text, "a b");
    assert_false(list.items[0].negated);
    assert_string_equal(list.items[1].text, "c");
    assert_true(list.items[1].negated);
    assert_string_equal(list.items[2].text, "d");
    assert_true(list.items[2].negated);
    text_list_clear(&list);
    text_list_clear(&list);
}

static void test_empty_items(void **state)
{
    static const char *const wrong[] = {"", " ", ",", "a,", ",a", "a,,b", "!", "a, !", "! ,a"};
    struct text_list list;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(text_list_split(wrong[i], &list), -EINVAL);
}

/* What is guessed for WORD among a few keys; "" for nothing. */
static const char *guess(const char *word)
{
    static const char *const names[] = {"src", "dst", "dport", "sport", "verdict", "icmp-type"};
    struct text_guess guess = TEXT_GUESS(word);

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        text_guess_offer(&guess, names[i]);
    return guess.name != NULL ? guess.name : "";
}

static void test_guesses(void **state)
{
    (void)state;
    assert_string_equal(guess("verdict"), "verdict");
    assert_string_equal(guess("verdcit"), "verdict");
    assert_string_equal(guess("verdit"), "verdict");
    assert_string_equal(guess("vverdict"), "verdict");
    assert_string_equal(guess("dports"), "dport");
    assert_string_equal(guess("icmp_type"), "icmp-type");
    assert_string_equal(guess("scr"), "src");
    assert_string_equal(guess("SRC"), "src");
    assert_string_equal(guess("Verdcit"), "verdict");
    assert_string_equal(guess("policy"), "");
    assert_string_equal(guess("x"), "");
    assert_string_equal(guess(""), "");
    assert_string_equal(guess("verdictverdictverdictverdictverdict"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strip),   cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_strip),   cmocka_unit_test(test_seconds),
        cmocka_unit_test(test_lists),   cmocka_unit_test(test_empty_items),
        cmocka_unit_test(test_guesses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
