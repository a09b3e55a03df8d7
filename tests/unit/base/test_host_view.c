/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host snapshot: sorted, deduplicated, both families apart. */
#include "../unit.h"
#include "ipmodd/base/host_view.h"
#include "ipmodd/base/macro.h"

#include <stdlib.h>
#include <string.h>

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
    struct ip_prefix tun, loop;
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
    assert_false(host_view_is_loop(view, FAMILY_IPV4, addr("203.0.113.200").bytes));
    assert_int_equal(ip_prefix_parse("203.0.113.192/26", &loop), 0);
    assert_int_equal(host_view_set_loops(view, &loop, 1), 0);
    assert_true(host_view_is_loop(view, FAMILY_IPV4, addr("203.0.113.200").bytes));
    assert_false(host_view_is_loop(view, FAMILY_IPV4, addr("203.0.113.9").bytes));
    assert_false(host_view_is_loop(view, FAMILY_IPV6, addr("cb00:71c8::").bytes));
    assert_ptr_equal(host_view_ref(view), view);
    host_view_free(view);
    assert_true(is_local(view, "192.0.2.1")); /* it had two owners */
    host_view_free(view);
}

/* Addresses that end like one of ours, and like none; each of ours is found among many. */
static void test_many_locals(void **state)
{
    struct ip_addr locals[300];
    struct host_view *view;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(locals); i++) {
        bool is_ip4 = i % 3 == 0;
        size_t end = is_ip4 ? 3 : 15;

        locals[i] = addr(is_ip4 ? "10.0.0.0" : "2001:db8::");
        locals[i].bytes[end - 1] = (uint8_t)(i * 7);
        locals[i].bytes[end] = (uint8_t)(i % 64 * 4);
    }
    view = host_view_new(locals, ARRAY_SIZE(locals), NULL, 0, NULL, 0);
    assert_non_null(view);
    for (size_t i = 0; i < ARRAY_SIZE(locals); i++) {
        struct ip_addr other = locals[i];
        size_t end = IP_ADDR_BYTES(other.family) - 1;

        assert_true(host_view_is_local(view, other.family, other.bytes));
        other.bytes[end] ^= 1;
        assert_false(host_view_is_local(view, other.family, other.bytes));
        other.bytes[end] ^= 1;
        other.bytes[0] ^= 1;
        assert_false(host_view_is_local(view, other.family, other.bytes));
    }
    host_view_free(view);
}

static void test_local_prefixes(void **state)
{
    struct host_view *view = host_view_new(NULL, 0, NULL, 0, NULL, 0);
    struct host_view *none = host_view_new(NULL, 0, NULL, 0, NULL, 0);
    struct ip_prefix prefixes[2];

    (void)state;
    assert_non_null(view);
    assert_int_equal(ip_prefix_parse("192.0.2.64/26", &prefixes[0]), 0);
    assert_int_equal(ip_prefix_parse("2001:db8::/32", &prefixes[1]), 0);
    assert_int_equal(host_view_set_local_prefixes(view, prefixes, 2), 0);
    assert_true(is_local(view, "192.0.2.64"));
    assert_true(is_local(view, "192.0.2.127"));
    assert_false(is_local(view, "192.0.2.128"));
    assert_true(is_local(view, "2001:db8:ffff::1"));
    assert_false(is_local(view, "2001:db9::1"));
    assert_false(host_view_equal(view, none));
    host_view_free(view);
    host_view_free(none);
}

static void test_equality(void **state)
{
    const struct ip_addr a[] = {addr("192.0.2.1"), addr("192.0.2.2")};
    const struct ip_addr b[] = {addr("192.0.2.2"), addr("192.0.2.1")};
    struct host_view *one = host_view_new(a, 2, NULL, 0, NULL, 0);
    struct host_view *same = host_view_new(b, 2, NULL, 0, NULL, 0);
    struct host_view *fewer = host_view_new(a, 1, NULL, 0, NULL, 0);
    struct ip_prefix loop;

    (void)state;
    assert_true(host_view_equal(one, same));
    assert_false(host_view_equal(one, fewer));
    assert_int_equal(ip_prefix_parse("203.0.113.192/26", &loop), 0);
    assert_int_equal(host_view_set_loops(same, &loop, 1), 0);
    assert_false(host_view_equal(one, same));
    host_view_free(one);
    host_view_free(same);
    host_view_free(fewer);
}

static uint32_t mtu_to(const struct host_view *view, const char *text)
{
    struct ip_addr a = addr(text);

    return host_view_path_mtu(view, a.family, a.bytes);
}

static struct route_value route(const char *prefix, uint32_t metric, uint32_t mtu)
{
    struct route_value made = {.metric = metric, .value = mtu};

    assert_int_equal(ip_prefix_parse(prefix, &made.prefix), 0);
    return made;
}

static void test_path_mtus(void **state)
{
    struct route_value routes[] = {
        route("198.51.100.128/25", 0, 1280), route("0.0.0.0/0", 100, 1500),
        route("198.51.100.0/24", 0, 1400),   route("0.0.0.0/0", 10, 1492),
        route("255.255.255.255", 0, 900),    route("198.51.100.255", 0, 1200),
        route("203.0.113.0/24", 0, 1492),    route("2001:db8::/32", 0, 1420),
    };
    struct host_view *view = host_view_new(NULL, 0, NULL, 0, NULL, 0);
    struct host_view *copy = host_view_new(NULL, 0, NULL, 0, NULL, 0);

    (void)state;
    assert_int_equal(mtu_to(view, "192.0.2.1"), 0);
    assert_int_equal(host_view_set_path_mtus(view, routes, 8), 0);
    assert_int_equal(mtu_to(view, "0.0.0.0"), 1492);
    assert_int_equal(mtu_to(view, "198.51.99.255"), 1492);
    assert_int_equal(mtu_to(view, "198.51.100.0"), 1400);
    assert_int_equal(mtu_to(view, "198.51.100.127"), 1400);
    assert_int_equal(mtu_to(view, "198.51.100.128"), 1280);
    assert_int_equal(mtu_to(view, "198.51.100.254"), 1280);
    assert_int_equal(mtu_to(view, "198.51.100.255"), 1200);
    assert_int_equal(mtu_to(view, "198.51.101.0"), 1492);
    assert_int_equal(mtu_to(view, "203.0.113.7"), 1492);
    assert_int_equal(mtu_to(view, "255.255.255.254"), 1492);
    assert_int_equal(mtu_to(view, "255.255.255.255"), 900);
    assert_int_equal(mtu_to(view, "::"), 0);
    assert_int_equal(mtu_to(view, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), 1420);
    assert_int_equal(mtu_to(view, "2001:db9::"), 0);
    assert_false(host_view_equal(view, copy));
    assert_int_equal(host_view_copy_path_mtus(copy, view), 0);
    assert_true(host_view_equal(view, copy));
    host_view_free(view);
    host_view_free(copy);
}

/* Against the definition: the longest prefix, among equals the lowest metric. */
static void test_path_mtus_by_definition(void **state)
{
    struct route_value routes[40];
    struct host_view *view = host_view_new(NULL, 0, NULL, 0, NULL, 0);

    (void)state;
    srand(1);
    for (unsigned round = 0; round < 200; round++) {
        for (size_t i = 0; i < 40; i++) {
            routes[i] = (struct route_value){
                .prefix = {.addr = {FAMILY_IPV4, {10, 0, 0, (uint8_t)rand()}},
                           .len = (uint8_t)(24 + rand() % 9)},
                .metric = (uint32_t)rand() % 4,
                .value = 1000 + (uint32_t)i,
            };
        }
        assert_int_equal(host_view_set_path_mtus(view, routes, 40), 0);
        for (unsigned last = 0; last < 256; last++) {
            const uint8_t bytes[4] = {10, 0, 0, (uint8_t)last};
            const struct route_value *best = NULL;
            uint32_t seen = host_view_path_mtu(view, FAMILY_IPV4, bytes);
            bool is_as_good = false;

            for (size_t i = 0; i < 40; i++) {
                if (ip_prefix_covers_bytes(&routes[i].prefix, bytes) &&
                    (best == NULL || routes[i].prefix.len > best->prefix.len ||
                     (routes[i].prefix.len == best->prefix.len && routes[i].metric < best->metric)))
                    best = &routes[i];
            }
            for (size_t i = 0; i < 40 && best != NULL; i++)
                is_as_good |= routes[i].value == seen && routes[i].metric == best->metric &&
                              routes[i].prefix.len == best->prefix.len &&
                              ip_prefix_covers_bytes(&routes[i].prefix, bytes);
            assert_true(best == NULL ? seen == 0 : is_as_good);
        }
    }
    host_view_free(view);
}

static struct host_source source(const char *prefix, uint32_t ifindex)
{
    struct host_source made = {.ifindex = ifindex};

    assert_int_equal(ip_prefix_parse(prefix, &made.subnet), 0);
    made.addr = made.subnet.addr;
    return made;
}

static struct host_route way(const char *prefix, uint32_t metric, uint32_t ifindex,
                             const char *gateway)
{
    struct host_route made = {.metric = metric, .egress.ifindex = ifindex};

    assert_int_equal(ip_prefix_parse(prefix, &made.prefix), 0);
    made.egress.has_gateway = gateway != NULL;
    if (gateway != NULL)
        memcpy(made.egress.gateway, addr(gateway).bytes, 4);
    return made;
}

static void assert_source(const struct host_view *view, const char *destination, const char *source)
{
    struct ip_addr to = addr(destination), from;
    char text[IP_PREFIX_TEXT];

    if (!host_view_source(view, to.family, to.bytes, &from))
        assert_null(source);
    else
        assert_string_equal(ip_addr_format(&from, text), source);
}

static void test_masquerade_sources(void **state)
{
    struct host_source sources[] = {
        source("192.0.2.1/25", 2),     source("198.51.100.1/26", 2),  source("203.0.113.1/26", 3),
        source("2001:db8:1::1/64", 2), source("2001:db8:2::1/64", 2), source("fd00::1/64", 2),
        source("2001:db8:1::2/64", 3),
    };
    const struct host_route routes[] = {
        way("0.0.0.0/0", 10, 2, "192.0.2.126"),
        way("0.0.0.0/0", 20, 3, "203.0.113.62"),
        way("203.0.113.64/26", 0, 2, "198.51.100.62"),
        way("203.0.113.0/26", 0, 3, NULL),
        way("198.51.100.0/26", 0, 2, NULL),
        way("198.51.100.128/25", 0, 0, NULL),
        way("203.0.113.192/26", 0, 4, NULL),
        way("2001:db8::/32", 0, 2, NULL),
        way("2001:db8:1::/48", 0, 3, NULL),
        way("fd00::/8", 0, 2, NULL),
    };
    const struct ip_addr own = addr("198.51.100.1");
    struct host_view *view = host_view_new(&own, 1, NULL, 0, NULL, 0);
    struct host_view *other = host_view_new(&own, 1, NULL, 0, NULL, 0);

    (void)state;
    assert_source(view, "198.51.100.1", "198.51.100.1");
    assert_source(view, "203.0.113.200", NULL);
    assert_int_equal(host_view_set_routes(view, routes, 10), 0);
    assert_source(view, "203.0.113.200", NULL);
    assert_false(host_view_equal(view, other));
    assert_int_equal(host_view_set_routes(other, routes, 10), 0);
    assert_true(host_view_equal(view, other));
    assert_int_equal(host_view_set_sources(view, sources, 7), 0);
    assert_false(host_view_equal(view, other));
    assert_source(view, "8.8.8.8", "192.0.2.1");         /* the lower metric's gateway */
    assert_source(view, "203.0.113.99", "198.51.100.1"); /* the gateway of the second subnet */
    assert_source(view, "203.0.113.9", "203.0.113.1");   /* on the link */
    assert_source(view, "198.51.100.9", "198.51.100.1");
    assert_source(view, "198.51.100.200", NULL);       /* unreachable */
    assert_source(view, "203.0.113.222", "192.0.2.1"); /* a device without addresses */
    assert_source(view, "2001:db8:2::9", "2001:db8:2::1");
    assert_source(view, "2001:db8:1::9", "2001:db8:1::2"); /* rule 5 */
    assert_source(view, "fd00::9", "fd00::1");             /* rule 6 */
    assert_source(view, "2001:db9::9", NULL);
    sources[4].deprecated = true;
    sources[3].temporary = true;
    assert_int_equal(host_view_set_sources(view, sources, 7), 0);
    assert_source(view, "2001:db8:2::9", "2001:db8:1::1"); /* rule 3 before rule 8 */
    sources[4].deprecated = false;
    assert_int_equal(host_view_set_sources(view, sources, 7), 0);
    assert_source(view, "2001:db8:8000::9", "2001:db8:2::1"); /* rule 7 */
    for (size_t i = 0; i < 7; i++)
        sources[i].wants_temporary = true;
    assert_int_equal(host_view_set_sources(view, sources, 7), 0);
    assert_source(view, "2001:db8:8000::9", "2001:db8:1::1");
    host_view_free(view);
    host_view_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_local_prefixes),
        cmocka_unit_test(test_many_locals),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_masquerade_sources),
        cmocka_unit_test(test_path_mtus),
        cmocka_unit_test(test_path_mtus_by_definition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
