/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [set NAME]: elements and files, rules that name sets, and what is said of wrong ones. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void assert_complaint(const char *text, const char *expected)
{
    assert_string_equal(fixture_complaints(text), expected);
}

static void test_wrong_sections(void **state)
{
    (void)state;
    assert_complaint("[set]\nelements = 192.0.2.1\n",
                     "test.conf:1: [set] a set needs a name: [set NAME]");
    assert_complaint("[set a]\n", "test.conf:1: [set a] the set is empty: give it elements");
    assert_complaint("[set a]\ntype = port\n",
                     "test.conf:1: [set a] has no elements: give it elements = … or file = PATH");
    assert_complaint("[set a]\nelements = 1\ntype = ports\n",
                     "test.conf:3: [set a] type: 'ports' is not a type of set; did you mean "
                     "'port'?");
    assert_complaint("[set a]\nelement = 192.0.2.1\nfile =\n",
                     "test.conf:2: [set a] element: unknown key; did you mean 'elements'?\n"
                     "test.conf:3: [set a] file: has no value: the path of a file with one element "
                     "a line");
    assert_complaint("[sett a]\nelements = 1\n",
                     "test.conf:1: unknown section [sett a]; did you mean [set NAME]?");
}

static void test_wrong_elements(void **state)
{
    (void)state;
    assert_complaint("[set a]\nelements = 192.0.2.0/33\n",
                     "test.conf:2: [set a] elements: '192.0.2.0/33' is not a prefix: "
                     "ADDRESS/LENGTH, LENGTH at most 32 for IPv4 and 128 for IPv6");
    assert_complaint("[set a]\nelements = 192.0.2.1, !192.0.2.2\n",
                     "test.conf:2: [set a] elements: '!192.0.2.2': a set has no exceptions; write "
                     "them in the rule");
    assert_complaint("[set a]\ntype = port\nelements = 65536\n",
                     "test.conf:3: [set a] elements: '65536' is out of range: a port is a number "
                     "from 0 to 65535");
}

static void test_wrong_names_in_rules(void **state)
{
    (void)state;
    assert_complaint("[set nets]\nelements = 192.0.2.1\n[rule a]\ndst = @home\n",
                     "test.conf:4: [rule a] dst: there is no [set home]");
    assert_complaint("[set blocklist]\nelements = 192.0.2.1\n[rule a]\ndst = @blocklst\n",
                     "test.conf:4: [rule a] dst: there is no [set blocklst]; did you mean "
                     "'@blocklist'?");
    assert_complaint("[set nets]\nelements = 192.0.2.1\n[rule a]\ndport = @nets\n",
                     "test.conf:4: [rule a] dport: '@nets' has type = prefix, here type = port is "
                     "needed");
    assert_complaint("[set nets]\nelements = 192.0.2.1\n[rule a]\nfamily = ipv6\nsrc = @nets\n",
                     "test.conf:5: [rule a] src: contradicts family = ipv6 in line 4: no packet "
                     "fits both");
}

/* Whether a list with a set can hold is not known: the set may have what the rest leaves. */
static void test_exceptions_beside_sets(void **state)
{
    (void)state;
    assert_complaint("[set web]\ntype = port\nelements = 8080\n[rule a]\n"
                     "dport = @web, 80, !1-1024\n",
                     "");
    assert_complaint("[set nets]\nelements = 2001:db8::1\n[rule a]\n"
                     "dst = @nets, 192.0.2.1, !0.0.0.0/0\n",
                     "");
}

static void test_file(void **state)
{
    static const char conf[] = "[rule a]\ndst = @l\ndport = !@p\n[set l]\nfile = lists/l.txt\n"
                               "elements = 203.0.113.1\n[set p]\ntype = port\nfile = lists/p\n";
    char *dump;

    (void)state;
    fixture_write("lists/l.txt", "\xef\xbb\xbf"
                                 "192.0.2.0/24 # a comment\r\n\n; another\n  2001:db8::/32;one\n"
                                 "198.51.100.1-198.51.100.9");
    fixture_write("lists/p", "80\n1000-2000\n");
    assert_complaint(conf, "");
    dump = fixture_dump(conf);
    assert_non_null(strstr(dump, "[set l]\ntype = prefix\nelements = 203.0.113.1\nfile = "));
    assert_non_null(strstr(dump, "lists/l.txt\n"));
    assert_non_null(strstr(dump, "dst = @l\ndport = !@p\n"));
    free(dump);
}

static void test_wrong_files(void **state)
{
    static const char conf[] = "[set l]\nfile = l.txt\n[rule a]\ndst = @l\n";

    (void)state;
    assert_non_null(strstr(fixture_complaints("[set l]\nfile = none.txt\n"),
                           "none.txt cannot be read: No such file or directory"));
    fixture_write("l.txt", "192.0.2.1\n# x\n192.0.2.1/40\nhello\n");
    assert_complaint(conf,
                     "l.txt:3: [set l] '192.0.2.1/40' is not a prefix: ADDRESS/LENGTH, LENGTH "
                     "at most 32 for IPv4 and 128 for IPv6\n"
                     "l.txt:4: [set l] 'hello' is not an address: write numbers as "
                     "192.0.2.1, 2001:db8::1, a prefix 192.0.2.0/24 or a range "
                     "192.0.2.1-192.0.2.9");
    fixture_write_bytes("l.txt", "192.0.2.1\n\0\n", 12);
    assert_complaint(conf, "l.txt:2: [set l] holds a NUL byte: a set file is plain text");
    fixture_write("l.txt", "# nothing yet\n");
    assert_complaint(conf, "");
    assert_int_equal(mkdir(fixture_path("folder"), 0755), 0);
    assert_complaint("[set l]\nfile = folder\n",
                     "test.conf:2: [set l] file: folder cannot be read: Is a directory");
    assert_complaint(
        "[set l]\nfile = /dev/zero\n",
        "test.conf:2: [set l] file: /dev/zero cannot be read: it is a device or a pipe, "
        "not a file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_sections),
        cmocka_unit_test(test_wrong_elements),
        cmocka_unit_test(test_wrong_names_in_rules),
        cmocka_unit_test(test_exceptions_beside_sets),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_wrong_files),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
