/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Journal entries: form, no forged fields, bounded size. */
#include "../unit.h"
#include "entry.h"

#include <string.h>

static void assert_entry(const struct entry *entry, const char *expected)
{
    assert_int_equal(entry->length, strlen(expected));
    assert_memory_equal(entry->bytes, expected, entry->length);
}

static void test_fields_follow_each_other(void **state)
{
    struct entry entry = {.length = 0};

    (void)state;
    entry_add(&entry, "MESSAGE", "rule x");
    entry_add(&entry, "SRC", "192.0.2.1");
    entry_add(&entry, "EMPTY", "");
    assert_entry(&entry, "MESSAGE=rule x\nSRC=192.0.2.1\nEMPTY=\n");
}

static void test_line_ends_forge_no_field(void **state)
{
    struct entry entry = {.length = 0};

    (void)state;
    entry_add(&entry, "MESSAGE", "a\nPRIORITY=0\x1b[2J\x7f \xc3\xa9");
    assert_entry(&entry, "MESSAGE=a PRIORITY=0 [2J  \xc3\xa9\n");
}

static void test_what_does_not_fit_is_left_out(void **state)
{
    struct entry entry = {.length = 0};
    char value[ENTRY_CAPACITY + 1];
    size_t before;

    (void)state;
    memset(value, 'x', sizeof(value));
    value[ENTRY_CAPACITY - 2] = '\0'; /* with "A=" and the line end: one byte too long */
    entry_add(&entry, "A", value);
    assert_int_equal(entry.length, 0);
    value[ENTRY_CAPACITY - 5] = '\0';
    entry_add(&entry, "A", value);
    before = entry.length;
    assert_int_equal(before, ENTRY_CAPACITY - 2);
    entry_add(&entry, "B", "");
    assert_int_equal(entry.length, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_follow_each_other),
        cmocka_unit_test(test_line_ends_forge_no_field),
        cmocka_unit_test(test_what_does_not_fit_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
