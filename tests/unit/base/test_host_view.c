/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host snapshot: sorted, deduplicated, both families apart. */
#include "../unit.h"
#include "ipmodd/base/host_view.h"

static struct ip_addr addr(const char *text)
{
    struct ip_addr parsed;

    assert_int_equal(ip_addr_parse(text, &parsed), 0);
    return parsed;
}

static bool is_local(const struct host_view *view, const char *text)
{
    struct ip_addr a = addr(text);

    return host_view_is_local(view, a.family, a.bytes);
}

static void test_lookups(void **state)
{
    const struct ip_addr locals[] = {addr("203.0.113.9"), addr("2001:db8::1"), addr("192.0.2.1"),
                                     addr("203.0.113.9")};
    const struct ip_addr broadcast = addr("192.0.2.255");
    struct ip_prefix tun;
    struct host_view *view;

    (void)state;
    assert_int_equal(ip_prefix_parse("198.51.100.1/24", &tun), 0);
    view = host_view_new(locals, 4, &broadcast, 1, &tun, 1);
    assert_non_null(view);
    assert_int_equal(view->local_count, 3);
    assert_true(is_local(view, "192.0.2.1"));
    assert_true(is_local(view, "203.0.113.9"));
    assert_true(is_local(view, "2001:db8::1"));
    assert_false(is_local(view, "192.0.2.2"));
    assert_false(is_local(view, "2001:db8::"));
    assert_true(is_local(view, "127.9.9.9"));
    assert_true(is_local(view, "::1"));
    assert_true(host_view_is_broadcast(view, FAMILY_IPV4, broadcast.bytes));
    assert_false(host_view_is_broadcast(view, FAMILY_IPV4, locals[2].bytes));
    assert_true(host_view_is_tun_prefix(view, FAMILY_IPV4, addr("198.51.100.77").bytes));
    assert_false(host_view_is_tun_prefix(view, FAMILY_IPV4, addr("198.51.101.77").bytes));
    host_view_free(view);
}

static void test_equality(void **state)
{
    const struct ip_addr a[] = {addr("192.0.2.1"), addr("192.0.2.2")};
    const struct ip_addr b[] = {addr("192.0.2.2"), addr("192.0.2.1")};
    struct host_view *one = host_view_new(a, 2, NULL, 0, NULL, 0);
    struct host_view *same = host_view_new(b, 2, NULL, 0, NULL, 0);
    struct host_view *fewer = host_view_new(a, 1, NULL, 0, NULL, 0);

    (void)state;
    assert_true(host_view_equal(one, same));
    assert_false(host_view_equal(one, fewer));
    host_view_free(one);
    host_view_free(same);
    host_view_free(fewer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_equality),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
