/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filters in words, and what is said of wrong ones. */
#include "../unit.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/rules/filter.h"

#include <errno.h>

static const struct ruleset no_rules;

static void test_right(void **state)
{
    char proto[] = "proto=tcp", ports[] = "dport = 443, !80";
    char text[] = "payload=\"a=b\"", hex[] = "payload=0x00";
    char *words[] = {proto, ports, text, hex};
    struct filter *filter;
    struct value_error error;

    (void)state;
    assert_int_equal(filter_parse(words, ARRAY_SIZE(words), &no_rules, &filter, &error), 0);
    filter_free(filter);
}

static void assert_refused(const char *word, const char *text)
{
    char proto[] = "proto=udp";
    char *words[] = {proto, (char *)word};
    struct filter *filter;
    struct value_error error;

    assert_int_equal(filter_parse(words, ARRAY_SIZE(words), &no_rules, &filter, &error), -EINVAL);
    assert_string_equal(error.text, text);
}

static void test_wrong(void **state)
{
    (void)state;
    assert_refused("tcp", "'tcp' is no KEY=VALUE such as proto=tcp or dport=443");
    assert_refused("proto=tcp", "proto is there twice");
    assert_refused("dport=", "dport: has no value: ports 0 to 65535, ranges and @sets");
    assert_refused("dport=x", "dport: 'x' is not a port: a number from 0 to 65535");
    assert_refused("dport=@web", "dport: a filter has no sets: write out what @web has");
    assert_refused("mss=1", "mss: contradicts proto = udp: no packet fits both");
    assert_refused("state=new", "state: no flows are followed, because no rule asks for them");
}

/* Of keys that are none only matches are named: nothing else would be taken. */
static void test_keys(void **state)
{
    (void)state;
    assert_refused("verdict=drop", "verdict: is no match, and a filter has matches alone");
    assert_refused("log=yes", "log: is no match, and a filter has matches alone");
    assert_refused("dprot=1", "dprot: unknown key; did you mean 'dport'?");
    assert_refused("verdcit=drop", "verdcit: unknown key: ipmodd.conf(5) lists the matches");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
