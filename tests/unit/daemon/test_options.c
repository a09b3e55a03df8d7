/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line that scripts rely on. */
#include "../unit.h"
#include "options.h"

#include <errno.h>
#include <string.h>

enum { WORDS_MAX = 6 };

/* Parses "ipmodd" and WORDS; what is said goes to TEXT. */
static int parse(const char *const *words, struct options *options, char *text, size_t size)
{
    char *argv[WORDS_MAX + 2] = {(char *)"ipmodd"};
    FILE *errors = fmemopen(text, size, "w");
    int argc = 1, result;

    for (; *words != NULL; words++)
        argv[argc++] = (char *)*words;
    memset(text, 0, size);
    result = options_parse(argc, argv, errors, options);
    fclose(errors);
    return result;
}

#define WORDS(...) ((const char *const[WORDS_MAX]){__VA_ARGS__})

static void assert_parses(const char *const *words, enum command command, const char *file)
{
    struct options options = {.command = COMMAND_COUNT};
    char text[256];

    assert_int_equal(parse(words, &options, text, sizeof(text)), 0);
    assert_string_equal(text, "");
    assert_int_equal(options.command, command);
    if (file == NULL)
        assert_null(options.file);
    else
        assert_string_equal(options.file, file);
}

static void assert_refused(const char *const *words, const char *named)
{
    struct options options = {.command = COMMAND_COUNT};
    char text[256];

    assert_int_equal(parse(words, &options, text, sizeof(text)), -EINVAL);
    assert_int_equal(options.command, COMMAND_COUNT);
    assert_non_null(strstr(text, named));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void test_commands(void **state)
{
    (void)state;
    assert_parses(WORDS(NULL), COMMAND_RUN, NULL);
    assert_parses(WORDS("-c", "a.conf"), COMMAND_RUN, "a.conf");
    assert_parses(WORDS("-ca.conf"), COMMAND_RUN, "a.conf");
    assert_parses(WORDS("--check"), COMMAND_CHECK, NULL);
    assert_parses(WORDS("--check", "-c", "a.conf"), COMMAND_CHECK, "a.conf");
    assert_parses(WORDS("-c", "a.conf", "--print-plan"), COMMAND_PRINT_PLAN, "a.conf");
    assert_parses(WORDS("--dump-config"), COMMAND_DUMP_CONFIG, NULL);
    assert_parses(WORDS("--cleanup"), COMMAND_CLEANUP, NULL);
    assert_parses(WORDS("--version"), COMMAND_VERSION, NULL);
    assert_parses(WORDS("--help"), COMMAND_HELP, NULL);
}

static void test_refusals_name_the_word(void **state)
{
    (void)state;
    assert_refused(WORDS("--frobnicate"), "--frobnicate");
    assert_refused(WORDS("-x"), "-x");
    assert_refused(WORDS("-c"), "-c");
    assert_refused(WORDS("a.conf"), "a.conf");
    assert_refused(WORDS("--check", "a.conf"), "a.conf");
    assert_refused(WORDS("--check=yes"), "--check=yes");
    assert_refused(WORDS("--check", "--cleanup"), "--cleanup");
    assert_refused(WORDS("--check", "--check"), "--check");
}

static void test_help_names_every_command(void **state)
{
    static const char *const words[] = {"-c FILE",   "--check",   "--print-plan", "--dump-config",
                                        "--cleanup", "--version", "--help"};
    char text[4096] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    (void)state;
    options_print_help(out);
    fclose(out);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_non_null(strstr(text, words[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_refusals_name_the_word),
        cmocka_unit_test(test_help_names_every_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
