/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of (family, protocol): adding, taking away, what is left. */
#include "../unit.h"
#include "ipmodd/datapath/scope.h"

#include <netinet/in.h>

static void test_all_and_none(void **state)
{
    struct scope all = scope_all(), none = scope_none();

    (void)state;
    assert_true(scope_has(&all, FAMILY_IPV4, 0));
    assert_true(scope_has(&all, FAMILY_IPV6, 255));
    assert_int_equal(scope_families(&all), FAMILIES_ALL);
    assert_true(scope_is_empty(&none));
}

static void test_add_and_remove_one_family(void **state)
{
    struct scope scope = scope_none();

    (void)state;
    scope_add(&scope, FAMILIES_IPV6, 200);
    assert_true(scope_has(&scope, FAMILY_IPV6, 200));
    assert_false(scope_has(&scope, FAMILY_IPV4, 200));
    assert_false(scope_has(&scope, FAMILY_IPV6, 199));
    assert_int_equal(scope_families(&scope), FAMILIES_IPV6);
    scope_remove(&scope, FAMILIES_IPV4, 200);
    assert_false(scope_is_empty(&scope));
    scope_remove(&scope, FAMILIES_IPV6, 200);
    assert_true(scope_is_empty(&scope));
}

static void test_contradiction_is_empty(void **state)
{
    struct scope scope = scope_icmp(), tcp = scope_tcp();

    (void)state;
    scope_intersect(&scope, &tcp);
    assert_true(scope_is_empty(&scope));
}

static void test_families(void **state)
{
    struct scope scope = scope_ports();

    (void)state;
    scope_keep_families(&scope, FAMILIES_IPV4);
    assert_int_equal(scope_families(&scope), FAMILIES_IPV4);
    assert_true(scope_has(&scope, FAMILY_IPV4, IPPROTO_SCTP));
    assert_false(scope_has(&scope, FAMILY_IPV4, IPPROTO_ICMP));
    assert_false(scope_has(&scope, FAMILY_IPV6, IPPROTO_TCP));
}

static void test_icmp_is_one_number_a_family(void **state)
{
    struct scope scope = scope_icmp();

    (void)state;
    assert_true(scope_has(&scope, FAMILY_IPV4, IPPROTO_ICMP));
    assert_true(scope_has(&scope, FAMILY_IPV6, IPPROTO_ICMPV6));
    assert_false(scope_has(&scope, FAMILY_IPV4, IPPROTO_ICMPV6));
    assert_false(scope_has(&scope, FAMILY_IPV6, IPPROTO_ICMP));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_and_none),
        cmocka_unit_test(test_add_and_remove_one_family),
        cmocka_unit_test(test_contradiction_is_empty),
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_icmp_is_one_number_a_family),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
