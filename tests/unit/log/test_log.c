/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program that logs sees on its stderr: form, level, losses, message ids. */
#include "../unit.h"
#include "ipmodd/log/fields.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Stderr led into a pipe, as setup and teardown of each test: cmocka writes there too. */
struct capture {
    int saved, reader;
};

static struct capture capture_stderr(void)
{
    struct capture capture;
    int ends[2];

    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    capture = (struct capture){.saved = dup(STDERR_FILENO), .reader = ends[0]};
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    return capture;
}

/* Ends the capture; what was written lies in TEXT. */
static void capture_end(struct capture *capture, char *text, size_t size)
{
    ssize_t length = read(capture->reader, text, size - 1);

    dup2(capture->saved, STDERR_FILENO);
    close(capture->saved);
    close(capture->reader);
    text[length > 0 ? length : 0] = '\0';
}

/* With a field, as every entry. */
#define say(level, ...)                                         \
    do {                                                        \
        struct log_fields fields = {.count = 0};                \
                                                                \
        log_fields_add(&fields, "IPMODD_DEVICE", "tun0");       \
        log_write(level, LOG_ID_STARTED, &fields, __VA_ARGS__); \
    } while (false)

static void test_plain_lines_and_level(void **state)
{
    struct capture capture = capture_stderr();
    char text[512];

    (void)state;
    unsetenv("JOURNAL_STREAM");
    log_open(LEVEL_NOTICE);
    say(LEVEL_ERROR, "a %d", 1);
    say(LEVEL_WARNING, "b\nc");
    say(LEVEL_NOTICE, "d");
    say(LEVEL_INFO, "left out");
    log_set_level(LEVEL_INFO);
    say(LEVEL_INFO, "e");
    capture_end(&capture, text, sizeof(text));
    assert_string_equal(text, "ipmodd: error: a 1\nipmodd: warning: b c\nipmodd: d\nipmodd: e\n");
}

static void test_long_line_is_cut(void **state)
{
    struct capture capture = capture_stderr();
    char text[2 * LOG_TEXT_MAX], line[2 * LOG_TEXT_MAX];

    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    log_open(LEVEL_INFO);
    say(LEVEL_INFO, "%s", line);
    capture_end(&capture, text, sizeof(text));
    assert_int_equal(strlen(text), strlen("ipmodd: ") + LOG_TEXT_MAX - 1 + 1);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void test_losses_are_counted(void **state)
{
    int saved = dup(STDERR_FILENO);
    uint64_t before = log_lost();

    (void)state;
    close(STDERR_FILENO);
    say(LEVEL_ERROR, "nobody reads this");
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_int_equal(log_lost(), before + 1);
}

static void test_message_ids_differ(void **state)
{
    (void)state;
    for (int a = 0; a < LOG_ID_COUNT; a++) {
        assert_int_equal(strlen(log_id_text((enum log_id)a)), 32);
        for (int b = 0; b < a; b++)
            assert_string_not_equal(log_id_text((enum log_id)a), log_id_text((enum log_id)b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_lines_and_level),
        cmocka_unit_test(test_long_line_is_cut),
        cmocka_unit_test(test_losses_are_counted),
        cmocka_unit_test(test_message_ids_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
