/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option lists: values in order, the end, and options that do not fit. */
#include "../unit.h"
#include "ipmodd/wire/option.h"

static void test_walk(void **state)
{
    static const uint8_t list[] = {1, 2, 4, 0x05, 0xb4, 1, 1, 4, 2, 0, 8, 1};
    struct cursor options = cursor_over(list, sizeof(list));
    struct option option;

    (void)state;
    assert_true(option_next(&options, &option));
    assert_int_equal(option.kind, 2);
    assert_int_equal(option.length, 2);
    assert_ptr_equal(option.value, list + 3);
    assert_true(option_next(&options, &option));
    assert_int_equal(option.kind, 4);
    assert_int_equal(option.length, 0);
    assert_false(option_next(&options, &option));
    assert_false(options.failed);
}

static void test_end_of_list_without_end_option(void **state)
{
    static const uint8_t list[] = {1, 1};
    struct cursor options = cursor_over(list, sizeof(list));
    struct option option;

    (void)state;
    assert_false(option_next(&options, &option));
    assert_false(options.failed);
}

static void assert_faulty(const uint8_t *list, size_t length)
{
    struct cursor options = cursor_over(list, length);
    struct option option;

    assert_false(option_next(&options, &option));
    assert_true(options.failed);
}

static void test_faults(void **state)
{
    static const uint8_t no_length[] = {1, 2};
    static const uint8_t length_0[] = {2, 0, 0, 0};
    static const uint8_t length_1[] = {2, 1, 0, 0};
    static const uint8_t beyond[] = {2, 5, 0, 0};

    (void)state;
    assert_faulty(no_length, sizeof(no_length));
    assert_faulty(length_0, sizeof(length_0));
    assert_faulty(length_1, sizeof(length_1));
    assert_faulty(beyond, sizeof(beyond));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_end_of_list_without_end_option),
        cmocka_unit_test(test_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
