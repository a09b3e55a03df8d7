/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of processors: both forms of the kernel, there and back. */
#include "../unit.h"
#include "ipmodd/base/cpu_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *printed(void (*print)(const struct cpu_list *list, FILE *out),
                     const struct cpu_list *list)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    print(list, out);
    fclose(out);
    return text;
}

static void assert_forms(const char *text, const char *list_text, const char *mask_text)
{
    struct cpu_list list, again;
    char *list_printed, *mask_printed;

    assert_int_equal(cpu_list_parse(text, &list), 0);
    list_printed = printed(cpu_list_print, &list);
    mask_printed = printed(cpu_list_print_mask, &list);
    assert_string_equal(list_printed, list_text);
    assert_string_equal(mask_printed, mask_text);
    assert_int_equal(cpu_list_parse_mask(mask_printed, &again), 0);
    assert_true(cpu_list_equal(&list, &again));
    free(list_printed);
    free(mask_printed);
}

static void test_forms(void **state)
{
    (void)state;
    assert_forms("0", "0", "1");
    assert_forms("0,2-3", "0,2-3", "d");
    assert_forms("3, 2 ,0 - 1", "0-3", "f");
    assert_forms("31-32", "31-32", "1,80000000");
    assert_forms("64", "64", "1,00000000,00000000");
    assert_forms("0-63", "0-63", "ffffffff,ffffffff");
}

static void test_largest(void **state)
{
    struct cpu_list list, again;
    char *mask;

    (void)state;
    assert_int_equal(cpu_list_parse("0-8191", &list), 0);
    mask = printed(cpu_list_print_mask, &list);
    assert_int_equal(strlen(mask), 256 * 9 - 1);
    assert_int_equal(cpu_list_parse_mask(mask, &again), 0);
    assert_true(cpu_list_equal(&list, &again));
    free(mask);
}

static void test_refused(void **state)
{
    static const char *const wrong[] = {"",  ",",   "0,",  ",0",    "1-",      "-1",
                                        "a", "0 1", "3-2", "0-1-2", "0-6:2/4", "!1"};
    struct cpu_list list = {.words = {7}};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(cpu_list_parse(wrong[i], &list), -EINVAL);
    assert_int_equal(cpu_list_parse("8192", &list), -ERANGE);
    assert_int_equal(cpu_list_parse("0-8192", &list), -ERANGE);
    assert_int_equal(list.words[0], 7);
}

static void test_masks_of_the_kernel(void **state)
{
    struct cpu_list list;
    char *text;

    (void)state;
    assert_int_equal(cpu_list_parse_mask("0000000d\n", &list), 0);
    assert_int_equal(list.words[0], 0xd);
    assert_int_equal(cpu_list_parse_mask("3,00000000\n", &list), 0);
    text = printed(cpu_list_print, &list);
    assert_string_equal(text, "32-33");
    free(text);
    assert_int_equal(cpu_list_parse_mask("00000000,00000000\n", &list), 0);
    assert_true(cpu_list_is_empty(&list));
    assert_int_equal(cpu_list_parse_mask("\n", &list), -EINVAL);
    assert_int_equal(cpu_list_parse_mask("0x3", &list), -EINVAL);
}

static void test_common(void **state)
{
    struct cpu_list a, b;
    struct cpu_list both;

    (void)state;
    assert_int_equal(cpu_list_parse("0-1,40", &a), 0);
    assert_int_equal(cpu_list_parse("1,40-41", &b), 0);
    both = cpu_list_common(&a, &b);
    assert_int_equal(cpu_list_parse("1,40", &a), 0);
    assert_true(cpu_list_equal(&both, &a));
    assert_false(cpu_list_equal(&both, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),   cmocka_unit_test(test_largest),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_masks_of_the_kernel),
        cmocka_unit_test(test_common),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
