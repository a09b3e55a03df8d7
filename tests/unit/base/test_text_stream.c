/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is printed into memory: whole, or not at all; in an array, what fits. */
#include "../unit.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/base/text_stream.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool out_of_memory;

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_realloc(void *memory, size_t size)
{
    return out_of_memory ? NULL : __real_realloc(memory, size);
}

static void test_what_is_printed_is_the_text(void **state)
{
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);
    char CLEANUP(cleanup_free) *text = NULL;

    (void)state;
    assert_non_null(out);
    for (unsigned i = 0; i < 10000; i++)
        fprintf(out, "%04u", i);
    text = text_stream_take(&stream);
    assert_int_equal(stream.length, 40000);
    assert_string_equal(text + 39992, "99989999");
}

static void test_nothing_is_a_text_too(void **state)
{
    struct text_stream stream;
    char CLEANUP(cleanup_free) *text = NULL;

    (void)state;
    assert_non_null(text_stream_open(&stream));
    text = text_stream_take(&stream);
    assert_string_equal(text, "");
    assert_int_equal(stream.length, 0);
}

/* What was printed before is not taken for all of it, also when there is memory again. */
static void test_without_memory_there_is_no_text(void **state)
{
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);

    (void)state;
    assert_non_null(out);
    out_of_memory = true;
    for (unsigned i = 0; i < 10000; i++)
        fprintf(out, "%04u", i);
    out_of_memory = false;
    fputs("the end", out);
    assert_null(text_stream_take(&stream));
}

static void test_an_array_keeps_what_fits(void **state)
{
    char text[8] = "unclean";
    FILE *out = text_stream_into(text, sizeof(text));

    (void)state;
    assert_non_null(out);
    assert_string_equal(text, "");
    fputs("ten letters", out);
    fclose(out);
    assert_memory_equal(text, "ten le", 6); /* some C libraries keep the last but one byte */
    assert_true(memchr(text, '\0', sizeof(text)) != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_printed_is_the_text),
        cmocka_unit_test(test_nothing_is_a_text_too),
        cmocka_unit_test(test_without_memory_there_is_no_text),
        cmocka_unit_test(test_an_array_keeps_what_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
