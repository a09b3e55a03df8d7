/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration that is handed over as texts, and what one changes of another. */
#include "fixture.h"

#include "ipmodd/base/text.h"
#include "ipmodd/rules/compare.h"
#include "ipmodd/rules/given.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { TOLD = 2048 };

static const char rules[] = "[set far]\nfile = far.txt\n[set near]\nelements = 192.0.2.1\n"
                            "[rule a]\ndst = @far\nverdict = drop\n";

/* All of the configuration at PATH, which can be read. */
static struct given collect(const char *path)
{
    struct problems problems = PROBLEMS_INIT;
    struct given given = {.items = NULL};

    assert_int_equal(given_collect(fixture_path(path), &problems, &given), 0);
    assert_int_equal(problems.count, 0);
    return given;
}

static void test_what_is_collected_is_all_there_is(void **state)
{
    struct problems problems = PROBLEMS_INIT;
    struct loaded loaded;
    struct given given;

    (void)state;
    fixture_write("x.conf", rules);
    fixture_write("x.conf.d/1.conf", "[rule b]\nsrc = @far\nverdict = accept\n");
    fixture_write("far.txt", "198.51.100.0/24 # all\n\n203.0.113.7");
    given = collect("x.conf");
    assert_int_equal(given.count, 3);
    assert_int_equal(given.items[1].kind, GIVEN_ELEMENTS);
    assert_string_equal(given.items[1].name, fixture_path("far.txt"));
    unlink(fixture_path("x.conf"));
    unlink(fixture_path("x.conf.d/1.conf"));
    unlink(fixture_path("far.txt"));
    assert_int_equal(given_load(&given, NULL, &problems, &loaded), 0);
    assert_int_equal(loaded.ruleset->rule_count, 2);
    assert_int_equal(loaded.files.count, 2);
    assert_string_equal(loaded.files.paths[1], fixture_path("x.conf.d/1.conf"));
    assert_true(set_has_address(set_list_find(&loaded.ruleset->sets, "far"), FAMILY_IPV4,
                                (const uint8_t[]){203, 0, 113, 7}));
    loaded_clear(&loaded);
    given_clear(&given);
}

/* What loading GIVEN is refused with. */
static void assert_refused(const struct given *given, const char *file, unsigned line,
                           const char *text)
{
    struct problems problems = PROBLEMS_INIT;
    struct loaded loaded;

    assert_int_equal(given_load(given, NULL, &problems, &loaded), -EINVAL);
    assert_int_equal(problems.count, 1);
    if (file != NULL)
        assert_string_equal(problems.items[0].place.file, file);
    assert_int_equal(problems.items[0].place.line, line);
    assert_non_null(strstr(problems.items[0].text, text));
    problems_clear(&problems);
}

static void test_no_file_is_opened(void **state)
{
    struct given given = {.items = NULL};

    (void)state;
    assert_refused(&given, NULL, 0, "no configuration file was given");
    given_add(&given, GIVEN_CONFIG, "a.conf", "[set x]\nfile = /etc/passwd\n");
    assert_refused(&given, "a.conf", 2, "/etc/passwd did not come along");
    given_add(&given, GIVEN_ELEMENTS, "/etc/passwd", "192.0.2.1\nnobody\n");
    assert_refused(&given, "/etc/passwd", 2, "'nobody' is");
    given_clear(&given);
    given_add(&given, GIVEN_CONFIG, "/there/a.conf", "\xef\xbb\xbf[rule a]\nproto = nonsense\n");
    assert_refused(&given, "/there/a.conf", 2, "nonsense");
    given_clear(&given);
    given_add(&given, GIVEN_CONFIG, "empty.conf", "");
    given_add(&given, GIVEN_ELEMENTS, "empty.txt", "");
    assert_refused(&given, "empty.conf", 0, "is empty");
    given_clear(&given);
}

static void test_what_cannot_be_read(void **state)
{
    static const char *const texts[] = {"[set x]\nfile = none.txt\n", "[set x]\nfile = .\n",
                                        "[set x]\nfile = nul.txt\n"};
    static const char *const said[] = {"No such file", "Is a directory", "NUL byte"};

    (void)state;
    fixture_write_bytes("nul.txt", "192.0.2.1\n\0", 11);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct problems problems = PROBLEMS_INIT;
        struct given given;

        fixture_write("bad.conf", texts[i]);
        assert_int_equal(given_collect(fixture_path("bad.conf"), &problems, &given), -EINVAL);
        assert_int_equal(problems.count, 1);
        assert_non_null(strstr(problems.items[0].text, said[i]));
        problems_clear(&problems);
    }
}

/* Writes down what it is told. */
static void tell(void *context, enum change change, const char *kind, const char *name)
{
    static const char signs[] = {
        [CHANGE_ADDED] = '+', [CHANGE_REMOVED] = '-', [CHANGE_CHANGED] = '!'};
    char *told = context;
    size_t length = strlen(told);

    snprintf(told + length, TOLD - length, "%c%s %s\n", signs[change], kind, name);
}

static void tell_rule(void *context, enum change change, const char *name)
{
    tell(context, change, "rule", name);
}

static void tell_set(void *context, enum change change, const char *name)
{
    tell(context, change, "set", name);
}

static void tell_setting(void *context, const char *section, const char *key, const char *before,
                         const char *after)
{
    char *told = context;
    size_t length = strlen(told);

    snprintf(told + length, TOLD - length, "[%s] %s: %s, %s\n", section, key, before, after);
}

static void tell_order(void *context)
{
    strcat(context, "order\n");
}

/* What AFTER changes of BEFORE; static memory. */
static const char *differences(const char *before, const char *after)
{
    static char told[TOLD];
    const struct compare_listener listener = {told, tell_rule, tell_set, tell_setting, tell_order};
    const char *texts[] = {before, after};
    struct loaded loaded[2];

    told[0] = '\0';
    for (size_t i = 0; i < 2; i++) {
        struct problems problems = PROBLEMS_INIT;
        struct given given = {.items = NULL};

        given_add(&given, GIVEN_CONFIG, "a.conf", texts[i]);
        given_add(&given, GIVEN_ELEMENTS, "old.txt", "192.0.2.1\n");
        given_add(&given, GIVEN_ELEMENTS, "new.txt", "192.0.2.2\n");
        assert_int_equal(given_load(&given, NULL, &problems, &loaded[i]), 0);
        given_clear(&given);
        problems_clear(&problems);
    }
    assert_int_equal(compare_configurations(&loaded[0], &loaded[1], &listener), 0);
    loaded_clear(&loaded[0]);
    loaded_clear(&loaded[1]);
    return told;
}

#define A "[rule a]\nproto = tcp\nverdict = drop\n"
#define B "[rule b]\nproto = udp\nverdict = drop\n"
#define C "[rule c]\nproto = icmp\nverdict = drop\n"

static void test_differences(void **state)
{
    (void)state;
    assert_string_equal(differences(A B, "# moved\n\n[rule a]\nproto=tcp\nverdict =drop\n" B), "");
    assert_string_equal(differences(A B, B A), "order\n");
    assert_string_equal(differences(A B C, C "[rule b]\nproto = udp\nverdict = accept\n"),
                        "!rule b\n-rule a\norder\n");
    assert_string_equal(differences(A C, A B C), "+rule b\n");
    assert_string_equal(differences(A, "[main]\nlog-level = debug\n[divert]\npriority = 98\n" A),
                        "[main] log-level: info, debug\n[divert] priority: 99, 98\n");
    assert_string_equal(differences("[set s]\nfile = old.txt\n[set t]\nelements = 192.0.2.1\n" A,
                                    "[set s]\nfile = new.txt\n[set t]\nelements = 192.0.2.1\n"
                                    "[set u]\ntype = port\nelements = 1\n" A),
                        "!set s\n+set u\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_collected_is_all_there_is, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_no_file_is_opened, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_read, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_differences, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
