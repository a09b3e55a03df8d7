/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cursor: values, the sticky error, trimming. */
#include "../unit.h"
#include "ipmodd/wire/cursor.h"

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05};

static void test_reads_in_order(void **state)
{
    struct cursor cursor = cursor_over(bytes, sizeof(bytes));

    (void)state;
    assert_int_equal(cursor_u8(&cursor), 0x01);
    assert_int_equal(cursor_be16(&cursor), 0x0203);
    assert_int_equal(cursor_left(&cursor), 2);
    assert_ptr_equal(cursor_take(&cursor, 2), bytes + 3);
    assert_int_equal(cursor_left(&cursor), 0);
    assert_non_null(cursor_take(&cursor, 0));
    assert_false(cursor.failed);
}

static void test_failure_sticks(void **state)
{
    struct cursor cursor = cursor_over(bytes, sizeof(bytes));

    (void)state;
    cursor_skip(&cursor, 4);
    assert_int_equal(cursor_be16(&cursor), 0);
    assert_true(cursor.failed);
    assert_int_equal(cursor_u8(&cursor), 0);
    assert_null(cursor_take(&cursor, 0));
    assert_int_equal(cursor.at, 4);
}

static void test_huge_count_fails(void **state)
{
    struct cursor cursor = cursor_over(bytes, sizeof(bytes));

    (void)state;
    cursor_skip(&cursor, 2);
    assert_null(cursor_take(&cursor, SIZE_MAX));
    assert_true(cursor.failed);
}

static void test_trim(void **state)
{
    struct cursor cursor = cursor_over(bytes, sizeof(bytes));

    (void)state;
    cursor_skip(&cursor, 2);
    cursor_trim(&cursor, 3);
    assert_int_equal(cursor_left(&cursor), 1);
    assert_int_equal(cursor_u8(&cursor), 0x03);
    assert_int_equal(cursor_u8(&cursor), 0);
    assert_true(cursor.failed);
}

static void test_trim_refuses(void **state)
{
    struct cursor beyond = cursor_over(bytes, sizeof(bytes));
    struct cursor behind = cursor_over(bytes, sizeof(bytes));

    (void)state;
    cursor_trim(&beyond, sizeof(bytes) + 1);
    assert_true(beyond.failed);
    cursor_skip(&behind, 3);
    cursor_trim(&behind, 2);
    assert_true(behind.failed);
}

static void test_numbers_round_trip(void **state)
{
    uint8_t out[4];

    (void)state;
    be16_store(out, 0x1234);
    assert_int_equal(out[0], 0x12);
    assert_int_equal(be16_load(out), 0x1234);
    be32_store(out, 0x89abcdef);
    assert_int_equal(out[0], 0x89);
    assert_int_equal(be32_load(out), 0x89abcdef);
    le32_store(out, 0x89abcdef);
    assert_int_equal(out[0], 0xef);
    assert_int_equal(le32_load(out), 0x89abcdef);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_in_order),   cmocka_unit_test(test_failure_sticks),
        cmocka_unit_test(test_huge_count_fails), cmocka_unit_test(test_trim),
        cmocka_unit_test(test_trim_refuses),     cmocka_unit_test(test_numbers_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
