/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files as bytes: what is no text, what is no INI, long lines, and where files are searched. */
#include "fixture.h"

#include "ini_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void test_missing(void **state)
{
    (void)state;
    assert_string_equal(fixture_complaints_of("nowhere.conf"),
                        "nowhere.conf: cannot be read: No such file or directory");
}

static void test_directory(void **state)
{
    (void)state;
    fixture_write("directory/x", "");
    assert_string_equal(fixture_complaints_of("directory"),
                        "directory: cannot be read: Is a directory");
}

/* Root reads everything, so the permission is given up for the moment. */
static void test_unreadable(void **state)
{
    const char *path = fixture_path("secret.conf");

    (void)state;
    fixture_write("secret.conf", "[main]\n");
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(fixture_path("."), 0755), 0);
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
    assert_string_equal(fixture_complaints_of("secret.conf"),
                        "secret.conf: cannot be read: Permission denied");
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(unlink(path), 0);
}

static void test_writable_by_others(void **state)
{
    const char *path = fixture_path("open.conf");

    (void)state;
    fixture_write("open.conf", "[main]\n");
    assert_int_equal(chmod(path, 0664), 0);
    assert_string_equal(fixture_complaints_of("open.conf"),
                        "open.conf: can be written by others than its owner (mode 0664); `chmod "
                        "go-w` mends that");
    assert_int_equal(chmod(path, 0646), 0);
    assert_non_null(strstr(fixture_complaints_of("open.conf"), "(mode 0646)"));
    assert_int_equal(chmod(path, 0600), 0);
    assert_string_equal(fixture_complaints_of("open.conf"), "");
    assert_int_equal(unlink(path), 0);
}

/* Root alone can give a file away. */
static void test_owned_by_others(void **state)
{
    const char *path = fixture_path("theirs.conf");

    (void)state;
    if (geteuid() != 0)
        skip();
    fixture_write("theirs.conf", "[main]\n");
    assert_int_equal(chown(path, 65534, 0), 0);
    assert_string_equal(fixture_complaints_of("theirs.conf"),
                        "theirs.conf: belongs to user 65534: only root and the user that runs "
                        "ipmodd may own it; `chown root` mends that");
    assert_int_equal(unlink(path), 0);
}

static void test_empty(void **state)
{
    static const char complaint[] =
        "test.conf: is empty: a configuration has at least one section, [main] or [rule NAME]";

    (void)state;
    assert_string_equal(fixture_complaints(""), complaint);
    assert_string_equal(fixture_complaints("\n\n# only this\n; and this\n"), complaint);
    assert_string_equal(fixture_complaints("[main]\n"), "");
}

/* Nobody has it open for writing, and nobody is waited for. */
static void test_pipe(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(fixture_path("pipe.conf"), 0600), 0);
    alarm(20);
    assert_string_equal(fixture_complaints_of("pipe.conf"),
                        "pipe.conf: is empty: a configuration has at least one section, [main] or "
                        "[rule NAME]");
    alarm(0);
}

static void test_nul_bytes(void **state)
{
    static const char bytes[] = "[main]\npolicy = accept\n[rule a]\ndport = 80\0, 90\n";

    (void)state;
    fixture_write_bytes("test.conf", bytes, sizeof(bytes) - 1);
    assert_string_equal(fixture_complaints_of("test.conf"),
                        "test.conf:4: holds a NUL byte: a configuration file is plain text");
}

static void test_too_large(void **state)
{
    size_t length = 17 * 1024 * 1024;
    char *bytes = malloc(length);

    (void)state;
    assert_non_null(bytes);
    memset(bytes, '#', length);
    fixture_write_bytes("test.conf", bytes, length);
    assert_string_equal(fixture_complaints_of("test.conf"),
                        "test.conf: is larger than 16 MiB: this is no configuration file");
    free(bytes);
}

/* Under a sanitizer a byte takes several times as long, and a fifth of them shows as much. */
#ifdef __SANITIZE_ADDRESS__
enum { MUCH = 2 * 1000 * 1000 };
#else
enum { MUCH = 10 * 1000 * 1000 };
#endif

/* The text that PATTERN makes when repeated to so many bytes. Owned by the caller. */
static char *much_of(const char *pattern)
{
    size_t length = strlen(pattern), total = MUCH;
    char *text = malloc(total + 1);

    assert_non_null(text);
    for (size_t i = 0; i < total; i++)
        text[i] = pattern[i % length];
    text[total] = '\0';
    return text;
}

static size_t count_lines(const char *text)
{
    size_t lines = 1;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

/* Ten megabytes of anything finish within seconds, with a bounded number of errors. */
static void test_garbage(void **state)
{
    static const char *const patterns[] = {
        "x",
        "=",
        "\x01\x80\xff\n",
        "[",
        "[main]\n",
        "a=b\n",
        "[rule a]\nx\n",
        "[main]\na=b\n",
        " ",
        "[main]\npolicy = ",
        "[main]\nx=#;",
        "[rule a]\n dport=1,",
        "[main]\n\v=\v;",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        char *text = much_of(patterns[i]);
        clock_t begin = clock();
        const char *complaints = fixture_complaints(text);

        assert_true(*complaints != '\0');
        assert_true(count_lines(complaints) <= 101);
        assert_true((clock() - begin) / CLOCKS_PER_SEC < 10);
        free(text);
    }
}

static void test_many_errors_are_cut(void **state)
{
    char *text = much_of("[main]\nx = y\n");
    const char *complaints = fixture_complaints(text);
    const char *last = strrchr(complaints, '\n');

    (void)state;
    assert_int_equal(count_lines(complaints), 101);
    assert_string_equal(last, "\nthere may be more errors: only the first 100 are shown");
    free(text);
}

/* "dst = 192.0.2.0, 192.0.2.1, …" */
static void make_long_line(char *text, size_t size, unsigned count)
{
    size_t used = (size_t)snprintf(text, size, "[rule a]\ndst = ");

    for (unsigned i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, size - used, "%s192.0.2.%u", i > 0 ? ", " : "", i);
    snprintf(text + used, size - used, "\nverdict = drop\n");
}

static void test_long_lines(void **state)
{
    char text[8192];

    (void)state;
    for (unsigned count = 1; count <= 250; count++) {
        char *dump;

        make_long_line(text, sizeof(text), count);
        dump = fixture_dump(text);
        assert_non_null(strstr(dump, strchr(text, 'd')));
        free(dump);
    }
}

/* The one value of "test.conf" with TEXT, as it reached the document. Owned by the caller. */
static char *value_of(const char *text)
{
    struct problems problems = PROBLEMS_INIT;
    struct report report = {.problems = &problems};
    struct document document = {.sections = NULL};
    char *value;

    fixture_write("test.conf", text);
    assert_int_equal(ini_source_read(fixture_path("test.conf"), &document, &report), 0);
    assert_int_equal(problems.count, 0);
    assert_int_equal(document.section_count, 1);
    assert_int_equal(document.sections[0].entry_count, 1);
    value = strdup(document.sections[0].entries[0].value);
    document_clear(&document);
    return value;
}

/* Every position of an odd character in a long value: none may be lost between two pieces. */
static void test_long_values_are_whole(void **state)
{
    static const char odd[] = {'#', ';', '=', ':', '[', ']', '"', ','};

    (void)state;
    for (size_t at = 8; at < 8 * 420; at++) {
        char value[512], text[600];
        char *found;

        memset(value, 'a', 430);
        value[430] = '\0';
        value[at / 8] = odd[at % 8];
        value[at / 8 + 2] = ' ';
        snprintf(text, sizeof(text), "[main]\nkey = %s\n", value);
        found = value_of(text);
        assert_string_equal(found, value);
        free(found);
    }
}

/* What inih cannot split must not go on as the value of the key above. */
/* Processor time that TEXT, with one value, takes. */
static clock_t time_of(const char *text)
{
    clock_t before = clock();

    free(value_of(text));
    return clock() - before;
}

/* As long as the line is, each of its bytes is looked at a few times: not once for each piece. */
static void test_long_lines_take_no_longer(void **state)
{
    enum { SIZE = 2 * 1024 * 1024, SHORT = 64 };
    char *text = malloc(SIZE);
    clock_t one_line, many_lines;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', SIZE);
    memcpy(text, "[main]\nkey=", 11);
    text[SIZE - 1] = '\0';
    one_line = time_of(text);
    for (size_t i = 2 * SHORT; i + SHORT < SIZE; i += SHORT)
        memcpy(text + i, "\n#", 2);
    many_lines = time_of(text);
    assert_true(one_line < 15 * (many_lines + CLOCKS_PER_SEC / 1000));
    free(text);
}

static void test_long_lines_without_a_key(void **state)
{
    char line[600], text[700];

    (void)state;
    memset(line, 'a', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    snprintf(text, sizeof(text), "[rule a]\nttl = 3\n%s\n", line);
    assert_string_equal(fixture_complaints(text),
                        "test.conf:3: [rule a] this line is none: write KEY = VALUE or [SECTION]");
    line[0] = '=';
    snprintf(text, sizeof(text), "[rule a]\nttl = 3\n%s\n", line);
    assert_string_equal(fixture_complaints(text),
                        "test.conf:3: [rule a] there is no key: write KEY = VALUE");
}

static void test_blank_runs(void **state)
{
    char text[1024];

    (void)state;
    snprintf(text, sizeof(text), "[rule a]\ndst = 192.0.2.1,%500s\nverdict = drop\n", "192.0.2.2");
    assert_string_equal(fixture_complaints(text),
                        "test.conf:2: [rule a] holds a run of more than 197 blanks or comment "
                        "signs: shorten it");
}

static void test_lines_that_are_none(void **state)
{
    (void)state;
    assert_string_equal(fixture_complaints("policy = accept\n"),
                        "test.conf:1: a key needs a section above it");
    assert_string_equal(fixture_complaints("[main]\npolicy\n= accept\n"),
                        "test.conf:2: [main] this line is none: write KEY = VALUE or [SECTION]\n"
                        "test.conf:3: [main] there is no key: write KEY = VALUE");
    assert_string_equal(fixture_complaints("[main\npolicy = drop\n[tun]\nname = x\n"),
                        "test.conf:1: the section header has no ']': write [NAME]");
    assert_string_equal(
        fixture_complaints("[main] policy = drop\n"),
        "test.conf:1: nothing but a comment behind ';' may stand behind the ']' of a section");
}

static void test_sections(void **state)
{
    (void)state;
    assert_string_equal(fixture_complaints("[mian]\n"),
                        "test.conf:1: unknown section [mian]; did you mean [main]?");
    assert_string_equal(fixture_complaints("[Rule x]\nttl = 3\n"),
                        "test.conf:1: unknown section [Rule x]; did you mean [rule NAME]?");
    assert_string_equal(
        fixture_complaints("[]\n"),
        "test.conf:1: unknown section []: [main], [tun], [divert], [flows], [set NAME] or "
        "[rule NAME]");
    assert_string_equal(fixture_complaints("[rule]\nttl = 3\n"),
                        "test.conf:1: [rule] a rule needs a name: [rule NAME]");
    assert_string_equal(fixture_complaints("[rule a]\n[main]\n"),
                        "test.conf:1: [rule a] the rule is empty: give it a match or an action");
    assert_string_equal(fixture_complaints("[rule a b]\nttl = 3\n"),
                        "test.conf:1: [rule a b] the name of a rule has 1 to 63 letters, digits, "
                        "'.', '_' and '-', and begins with a letter, digit or '_'");
    assert_string_equal(fixture_complaints("[rule a]\nttl = 3\n"), "");
}

static void test_long_section_name(void **state)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-123456789";
    char text[200];
    char *dump;

    (void)state;
    assert_int_equal(strlen(name), 63);
    snprintf(text, sizeof(text), "[rule %s]\nttl = 3\n", name);
    dump = fixture_dump(text);
    assert_non_null(strstr(dump, name));
    free(dump);
    snprintf(text, sizeof(text), "[rule %sx]\nttl = 3\n", name);
    assert_true(*fixture_complaints(text) != '\0');
}

static void test_duplicates(void **state)
{
    (void)state;
    assert_string_equal(fixture_complaints("[rule a]\nttl = 1\n[rule  a]\nttl = 2\n"),
                        "test.conf:3: [rule a] stands twice, first in test.conf:1");
    assert_string_equal(fixture_complaints("[main]\n[tun]\n[main]\n"),
                        "test.conf:3: [main] stands twice, first in test.conf:1");
    assert_string_equal(fixture_complaints("[rule a]\nttl = 1\nproto = tcp\nttl = 2\n"),
                        "test.conf:4: [rule a] ttl: stands twice in this section, first in line 2");
}

static void test_forms_of_text(void **state)
{
    (void)state;
    assert_string_equal(fixture_complaints("\xef\xbb\xbf[rule a]\r\nttl = 3\r\n\r\n# c\r\n"), "");
    assert_string_equal(fixture_complaints("[rule a] ; why\nttl = 3 ; because\n  proto = tcp"), "");
    assert_string_equal(fixture_complaints("[ rule   a ]\n\tttl=3\n\t\tproto : tcp\n"), "");
    assert_string_equal(fixture_complaints("\xef\xbb\xbf\r\n[rule a]\r\nttl = x\r\n"),
                        "test.conf:3: [rule a] ttl: 'x' is not a TTL: a number from 0 to 255");
}

/* What a terminal would act on does not reach it. */
static void test_messages_are_printable(void **state)
{
    const char *complaints = fixture_complaints("[rule a]\nfo\033[31mo = 1\nverdict = \a\n");

    (void)state;
    assert_null(strchr(complaints, '\033'));
    assert_null(strchr(complaints, '\a'));
}

static void remove_tree(const char *path)
{
    char command[600];

    snprintf(command, sizeof(command), "rm -rf '%s'", fixture_path(path));
    assert_int_equal(system(command), 0);
}

static int setup_tree(void **state)
{
    (void)state;
    remove_tree("etc");
    remove_tree("run");
    remove_tree("usr");
    remove_tree("test.conf.d");
    return 0;
}

static void test_search_finds_nothing(void **state)
{
    (void)state;
    assert_string_equal(
        fixture_complaints_of(NULL),
        "/etc/ipmodd/ipmodd.conf: does not exist, nor does one in /run, /usr/local/lib or /usr/lib,"
        " nor a file in ipmodd.conf.d: write one, or name one with -c");
}

/* Whether the effective value of [tun] mtu is MTU. */
static void assert_mtu(unsigned mtu)
{
    char *dump = fixture_dump_of(NULL);
    char line[32];

    snprintf(line, sizeof(line), "\nmtu = %u\n", mtu);
    assert_non_null(strstr(dump, line));
    free(dump);
}

static void test_search_order(void **state)
{
    (void)state;
    fixture_write("usr/lib/ipmodd/ipmodd.conf", "[tun]\nmtu = 1400\n");
    assert_mtu(1400);
    fixture_write("usr/local/lib/ipmodd/ipmodd.conf", "[tun]\nmtu = 1401\n");
    assert_mtu(1401);
    fixture_write("run/ipmodd/ipmodd.conf", "[tun]\nmtu = 1402\n");
    assert_mtu(1402);
    fixture_write("etc/ipmodd/ipmodd.conf", "[tun]\nmtu = 1403\n");
    assert_mtu(1403);
    fixture_write("usr/lib/ipmodd/ipmodd.conf.d/10-a.conf", "[tun]\nmtu = 1404\n");
    assert_mtu(1404);
    fixture_write("run/ipmodd/ipmodd.conf.d/20-a.conf", "[tun]\nmtu = 1405\n");
    assert_mtu(1405);
    fixture_write("etc/ipmodd/ipmodd.conf.d/20-a.conf", "[tun]\nname = x\n");
    assert_mtu(1404);
    fixture_write("usr/lib/ipmodd/ipmodd.conf.d/99-a.conf.bak", "not read");
    fixture_write("usr/lib/ipmodd/ipmodd.conf.d/.99-a.conf", "not read");
    assert_mtu(1404);
}

static void test_search_masks(void **state)
{
    (void)state;
    fixture_write("usr/lib/ipmodd/ipmodd.conf", "[tun]\nmtu = 1400\n");
    fixture_write("usr/lib/ipmodd/ipmodd.conf.d/10-a.conf", "[tun]\nmtu = 1404\n");
    fixture_write("usr/lib/ipmodd/ipmodd.conf.d/05-a.conf", "[tun]\nmtu = 1402\n");
    fixture_write("etc/ipmodd/ipmodd.conf.d/00-a.conf", "[main]\n");
    assert_mtu(1404);
    assert_int_equal(symlink("/dev/null", fixture_path("etc/ipmodd/ipmodd.conf.d/10-a.conf")), 0);
    assert_mtu(1402);
    assert_int_equal(symlink("/dev/null", fixture_path("etc/ipmodd/ipmodd.conf.d/05-a.conf")), 0);
    assert_mtu(1400);
    assert_int_equal(symlink("/dev/null", fixture_path("etc/ipmodd/ipmodd.conf")), 0);
    fixture_write("etc/ipmodd/ipmodd.conf.d/00-a.conf", "[tun]\nmtu = 1300\n");
    assert_mtu(1300);
    assert_int_equal(unlink(fixture_path("etc/ipmodd/ipmodd.conf.d/00-a.conf")), 0);
    assert_string_equal(fixture_complaints_of(NULL),
                        "etc/ipmodd/ipmodd.conf: is empty: a configuration has at least one "
                        "section, [main] or [rule NAME]");
}

/* Nobody can tell what would have stood in them. */
static void test_drop_ins_that_cannot_be_read(void **state)
{
    (void)state;
    fixture_write("test.conf.d", "[main]\n");
    assert_string_equal(fixture_complaints("[main]\n"),
                        "test.conf.d: cannot be read: Not a directory");
    assert_int_equal(unlink(fixture_path("test.conf.d")), 0);
}

/* Keys of an earlier file stay in force one by one; rules of all files follow each other. */
static void test_drop_ins_of_a_given_file(void **state)
{
    char *dump;

    (void)state;
    fixture_write("test.conf.d/b.conf", "[main]\npolicy = drop\n[rule third]\nttl = 3\n");
    fixture_write("test.conf.d/a.conf", "[main]\nmalformed = pass\n[rule second]\nttl = 3\n");
    dump = fixture_dump("[main]\npolicy = accept\nlog-level = debug\n[rule first]\nttl = 3\n");
    assert_non_null(strstr(dump, "policy = drop\nmalformed = pass\nlog-level = debug\n"));
    assert_true(strstr(dump, "[rule first]") < strstr(dump, "[rule second]"));
    assert_true(strstr(dump, "[rule second]") < strstr(dump, "[rule third]"));
    assert_non_null(strstr(dump, "# test.conf.d/b.conf:3\n[rule third]\n"));
    free(dump);
}

static void test_duplicates_between_files(void **state)
{
    (void)state;
    fixture_write("test.conf.d/a.conf", "[main]\npolicy = drop\n[rule a]\nttl = 3\n");
    assert_string_equal(fixture_complaints("[main]\npolicy = drop\n[rule a]\nttl = 3\n"),
                        "test.conf.d/a.conf:3: [rule a] stands twice, first in test.conf:3");
}

/* With nothing to say, whatever is wrong with the files. */
static void test_loading_is_given_up(void **state)
{
    struct problems problems = PROBLEMS_INIT;
    struct loaded loaded = {.config = NULL};
    atomic_bool cancel = true;

    (void)state;
    fixture_write("test.conf", "[main]\npolicy = drop\n[rule a]\nttl = 3\n");
    assert_int_equal(load_configuration_until(fixture_path("test.conf"), &cancel, &problems,
                                              &loaded),
                     -ECANCELED);
    assert_null(loaded.config);
    assert_int_equal(problems.count, 0);
    cancel = false;
    assert_int_equal(
        load_configuration_until(fixture_path("test.conf"), &cancel, &problems, &loaded), 0);
    loaded_clear(&loaded);
    problems_clear(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_directory),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_writable_by_others),
        cmocka_unit_test(test_owned_by_others),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_many_errors_are_cut),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_long_values_are_whole),
        cmocka_unit_test(test_long_lines_take_no_longer),
        cmocka_unit_test(test_long_lines_without_a_key),
        cmocka_unit_test(test_blank_runs),
        cmocka_unit_test(test_lines_that_are_none),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_long_section_name),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_forms_of_text),
        cmocka_unit_test(test_loading_is_given_up),
        cmocka_unit_test(test_messages_are_printable),
        cmocka_unit_test_setup(test_search_finds_nothing, setup_tree),
        cmocka_unit_test_setup(test_search_order, setup_tree),
        cmocka_unit_test_setup(test_search_masks, setup_tree),
        cmocka_unit_test_setup(test_drop_ins_that_cannot_be_read, setup_tree),
        cmocka_unit_test_setup(test_drop_ins_of_a_given_file, setup_tree),
        cmocka_unit_test_setup(test_duplicates_between_files, setup_tree),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
