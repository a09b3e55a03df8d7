/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and prefixes: text both ways, refusals, coverage at odd bit lengths. */
#include "../unit.h"
#include "ipmodd/base/addr.h"

#include <errno.h>

static void assert_round_trip(const char *text)
{
    char buffer[IP_PREFIX_TEXT];
    struct ip_prefix prefix;

    assert_int_equal(ip_prefix_parse(text, &prefix), 0);
    assert_string_equal(ip_prefix_format(&prefix, buffer), text);
}

static void test_prefix_round_trip(void **state)
{
    (void)state;
    assert_round_trip("192.0.2.1");
    assert_round_trip("192.0.2.0/24");
    assert_round_trip("0.0.0.0/0");
    assert_round_trip("2001:db8::/32");
    assert_round_trip("2001:db8::1");
    assert_round_trip("::/0");
}

static void test_prefix_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.1/33",
        "192.0.2.1/",
        "192.0.2.1/-1",
        "2001:db8:",
        "2001::/129",
        "192.0.2.1/ 8",
        " 192.0.2.1",
        "192.0.2.1/08",
        "192.0.2.1/8x",
        "/24",
        "192.0.2.1/256",
        "00000000000000000000000000000000000000000000000000000000000000000000000000:1/8",
    };
    struct ip_prefix prefix;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(ip_prefix_parse(wrong[i], &prefix), -EINVAL);
}

static bool covers(const char *prefix_text, const char *addr_text)
{
    struct ip_prefix prefix;
    struct ip_addr addr;

    assert_int_equal(ip_prefix_parse(prefix_text, &prefix), 0);
    assert_int_equal(ip_addr_parse(addr_text, &addr), 0);
    return ip_prefix_covers(&prefix, &addr);
}

static void test_covers(void **state)
{
    (void)state;
    assert_true(covers("192.0.2.0/24", "192.0.2.255"));
    assert_false(covers("192.0.2.0/24", "192.0.3.0"));
    assert_true(covers("192.0.2.128/25", "192.0.2.128"));
    assert_false(covers("192.0.2.128/25", "192.0.2.127"));
    assert_true(covers("192.0.2.4/31", "192.0.2.5"));
    assert_false(covers("192.0.2.4/32", "192.0.2.5"));
    assert_true(covers("0.0.0.0/0", "203.0.113.9"));
    assert_false(covers("0.0.0.0/0", "2001:db8::1"));
    assert_true(covers("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(covers("2001:db8::/33", "2001:db8:8000::1"));
}

static void test_network(void **state)
{
    char buffer[IP_PREFIX_TEXT];
    struct ip_prefix prefix, network;

    (void)state;
    assert_int_equal(ip_prefix_parse("192.0.2.213/27", &prefix), 0);
    network = ip_prefix_network(&prefix);
    assert_string_equal(ip_prefix_format(&network, buffer), "192.0.2.192/27");
    assert_int_equal(ip_prefix_parse("2001:db8:ffff::1/35", &prefix), 0);
    network = ip_prefix_network(&prefix);
    assert_string_equal(ip_prefix_format(&network, buffer), "2001:db8:e000::/35");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefix_round_trip),
        cmocka_unit_test(test_prefix_refused),
        cmocka_unit_test(test_covers),
        cmocka_unit_test(test_network),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
