/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What table N has in place of main's routes: types, sources, metrics, hops. */
#include "hosts.h"
#include "ipmodd/base/macro.h"

#include <linux/if_addr.h>
#include <string.h>

static void test_unicast_leads_over_tun(void **state)
{
    struct host *host = host_make();
    const struct route *route;
    char text[IP_PREFIX_TEXT];

    (void)state;
    host_add_address(host, ETH0, "192.0.2.1/24");
    host_add_route(host, "0.0.0.0/0", ETH0, "192.0.2.254");
    host_compute(host);
    route = host_find(host, "0.0.0.0/0", 0);
    assert_non_null(route);
    assert_int_equal(route->type, RTN_UNICAST);
    assert_int_equal(route->hop_count, 1);
    assert_int_equal(route->hops[0].ifindex, TUN);
    assert_false(route->hops[0].has_gateway);
    assert_string_equal(source_text(route, text), "192.0.2.1");
    host_clear(host);
}

static void test_types_are_kept_or_thrown(void **state)
{
    static const struct {
        uint8_t type, mirrored;
    } cases[] = {
        {RTN_BLACKHOLE, RTN_BLACKHOLE}, {RTN_UNREACHABLE, RTN_UNREACHABLE},
        {RTN_PROHIBIT, RTN_PROHIBIT},   {RTN_THROW, RTN_THROW},
        {RTN_LOCAL, RTN_THROW},         {RTN_MULTICAST, RTN_THROW},
        {RTN_BROADCAST, RTN_THROW},     {RTN_NAT, RTN_THROW},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct host *host = host_make();
        const struct route *mirror;

        host_add_route(host, "203.0.113.0/24", ETH0, NULL)->type = cases[i].type;
        host_compute(host);
        mirror = host_find(host, "203.0.113.0/24", 0);
        assert_non_null(mirror);
        assert_int_equal(mirror->type, cases[i].mirrored);
        assert_int_equal(mirror->hop_count, 0);
        host_clear(host);
    }
}

static void test_excluded_prefixes_cover_main(void **state)
{
    struct host *host = host_make();
    struct ip_prefix excludes[2];

    (void)state;
    assert_int_equal(ip_prefix_parse("203.0.113.9/24", &excludes[0]), 0);
    assert_int_equal(ip_prefix_parse("2001:db8:7::/48", &excludes[1]), 0);
    host->config->divert.excludes = calloc(2, sizeof(excludes[0]));
    assert_non_null(host->config->divert.excludes);
    memcpy(host->config->divert.excludes, excludes, sizeof(excludes));
    host->config->divert.exclude_count = 2;
    host_add_route(host, "203.0.113.128/25", ETH0, NULL);
    host_add_route(host, "203.0.112.0/23", ETH0, NULL);
    host_add_route(host, "fe80::/64", ETH0, NULL);
    host_compute(host);
    assert_int_equal(host_find(host, "203.0.113.0/24", 0)->type, RTN_THROW);
    assert_int_equal(host_find(host, "2001:db8:7::/48", 1024)->type, RTN_THROW);
    assert_int_equal(host_find(host, "224.0.0.0/4", 0)->type, RTN_THROW);
    assert_int_equal(host_find(host, "ff00::/8", 1024)->type, RTN_THROW);
    assert_null(host_find(host, "203.0.113.128/25", 0));
    assert_null(host_find(host, "fe80::/64", 0));
    assert_int_equal(host_find(host, "203.0.112.0/23", 0)->type, RTN_UNICAST);
    host_clear(host);
}

static void test_hops_that_cannot_be_taken(void **state)
{
    struct host *host = host_make();
    struct route *dead;
    char text[IP_PREFIX_TEXT];

    (void)state;
    host_add_address(host, ETH0, "192.0.2.1/24");
    host_add_address(host, ETH1, "198.51.100.1/24");
    dead = host_add_route(host, "0.0.0.0/0", ETH0, "192.0.2.254");
    dead->hops[0].flags = RTNH_F_DEAD;
    host_add_route(host, "0.0.0.0/0", ETH1, "198.51.100.254");
    host_add_route(host, "203.0.113.0/24", TUN, NULL);
    host_add_route(host, "192.0.2.128/25", LO, NULL);
    host_compute(host);
    assert_string_equal(source_text(host_find(host, "0.0.0.0/0", 0), text), "198.51.100.1");
    assert_null(host_find(host, "203.0.113.0/24", 0));
    assert_int_equal(host_find(host, "192.0.2.128/25", 0)->type, RTN_THROW);
    host_clear(host);
}

static void test_sources_as_the_kernel_chooses(void **state)
{
    struct host *host = host_make();
    char text[IP_PREFIX_TEXT];

    (void)state;
    host_add_address(host, ETH0, "169.254.7.7/16")->scope = RT_SCOPE_LINK;
    host_add_address(host, ETH0, "192.0.2.1/24");
    host_add_address(host, ETH0, "192.0.2.2/24")->flags = IFA_F_SECONDARY;
    host_add_address(host, ETH0, "203.0.113.1/24");
    host_add_route(host, "0.0.0.0/0", ETH0, "203.0.113.254");
    host_add_route(host, "198.51.100.0/25", ETH0, "192.0.2.254");
    host_add_route(host, "198.51.100.128/25", ETH1, "10.0.0.1");
    host_compute(host);
    /* The gateway's subnet, else the device's first, else another device's; never link scope. */
    assert_string_equal(source_text(host_find(host, "0.0.0.0/0", 0), text), "203.0.113.1");
    assert_string_equal(source_text(host_find(host, "198.51.100.0/25", 0), text), "192.0.2.1");
    assert_string_equal(source_text(host_find(host, "198.51.100.128/25", 0), text), "192.0.2.1");
    host_clear(host);
}

static void test_ipv6_source_only_where_tun_is_mixed(void **state)
{
    struct host *host = host_make();
    char text[IP_PREFIX_TEXT];

    (void)state;
    host_add_address(host, ETH0, "2001:db8:1::1/64")->preferred = 0;
    host_add_address(host, ETH0, "2001:db8:1::2/64");
    host_add_address(host, ETH0, "fd00::1/64");
    host_add_route(host, "::/0", ETH0, "2001:db8:1::9");
    host_add_route(host, "fd00::/8", ETH0, "fd00::9");
    host_compute(host);
    assert_string_equal(source_text(host_find(host, "::/0", 0), text), "");
    host_add_address(host, ETH1, "2001:db8:2::1/64");
    host_add_route(host, "2001:db8:9::/48", ETH1, "2001:db8:2::9");
    host_compute(host);
    assert_string_equal(source_text(host_find(host, "::/0", 0), text), "2001:db8:1::2");
    assert_string_equal(source_text(host_find(host, "fd00::/8", 0), text), "fd00::1");
    assert_string_equal(source_text(host_find(host, "2001:db8:9::/48", 0), text), "2001:db8:2::1");
    host_clear(host);
}

static void test_metrics_come_along(void **state)
{
    struct host *host = host_make();
    const struct route *route;
    struct route *main_route;

    (void)state;
    host_device(host, ETH1)->mtu = 9000;
    host_device(host, ETH1)->mtu6 = 9000;
    host_device(host, ETH0)->hop_limit6 = 33;
    host_add_route(host, "::/0", ETH0, "2001:db8::1");
    host_add_route(host, "2001:db8:5::/48", ETH1, "2001:db8::2");
    main_route = host_add_route(host, "203.0.113.0/24", ETH0, NULL);
    route_metrics_of(main_route)->mask = 1u << RTAX_HOPLIMIT | 1u << RTAX_MTU;
    main_route->metrics->values[RTAX_HOPLIMIT] = 7;
    main_route->metrics->values[RTAX_MTU] = 1280;
    host_compute(host);
    assert_int_equal(host->wanted.tun_mtu, 9000);
    route = host_find(host, "203.0.113.0/24", 0);
    assert_int_equal(route->metrics->values[RTAX_HOPLIMIT], 7);
    assert_int_equal(route->metrics->values[RTAX_MTU], 1280);
    route = host_find(host, "::/0", 0);
    assert_int_equal(route->metrics->values[RTAX_HOPLIMIT], 33);
    assert_int_equal(route->metrics->values[RTAX_MTU], 1500);
    assert_null(host_find(host, "2001:db8:5::/48", 0)->metrics);
    host_clear(host);
}

static void test_mirror_default_keeps_defaults_only(void **state)
{
    struct host *host = host_make();
    struct route *route = route_new(1);

    (void)state;
    host->config->divert.mirror = MIRROR_DEFAULT;
    host->snapshot.mirror = MIRROR_DEFAULT;
    route->key.dst_len = 8;
    assert_int_equal(snapshot_route_added(&host->snapshot, route, 0), MAIN_SAME);
    host_add_route(host, "0.0.0.0/0", ETH0, NULL);
    host_compute(host);
    assert_non_null(host_find(host, "0.0.0.0/0", 0));
    host_clear(host);
}

/* A route over a device that is not named leaves its packets to main, when this host's are meant.
 */
static void test_interfaces(void **state)
{
    static char name[1][IFNAMSIZ] = {"eth1"};
    struct host *host = host_make();
    struct config_divert *divert = &host->config->divert;

    (void)state;
    divert->interfaces = name;
    divert->interface_count = 1;
    host_add_route(host, "0.0.0.0/0", ETH0, NULL);
    host_add_route(host, "203.0.113.0/24", ETH1, NULL);
    for (unsigned out = 0; out < 2; out++) {
        divert->directions = DIRECTIONS_FORWARD | (out != 0 ? DIRECTIONS_OUT : 0);
        host_compute(host);
        assert_int_equal(host_find(host, "0.0.0.0/0", 0)->type, out != 0 ? RTN_THROW : RTN_UNICAST);
        assert_int_equal(host_find(host, "203.0.113.0/24", 0)->type, RTN_UNICAST);
    }
    divert->directions = DIRECTIONS_IN;
    host_compute(host);
    assert_null(host->wanted.routes.routes);
    divert->interfaces = NULL;
    divert->interface_count = 0;
    host_clear(host);
}

static void test_closed_has_a_last_default(void **state)
{
    struct host *host = host_make();
    const struct wanted_input input = host_input(host);
    struct route *route = NULL;
    struct route_key key;

    (void)state;
    host->config->divert.on_exit = ON_EXIT_CLOSED;
    host_compute(host);
    assert_int_equal(host_find(host, "0.0.0.0/0", UINT32_MAX)->type, RTN_UNREACHABLE);
    assert_int_equal(host_find(host, "::/0", UINT32_MAX)->type, RTN_UNREACHABLE);
    /* An event about main must not take it away. */
    key = host_find(host, "::/0", UINT32_MAX)->key;
    assert_int_equal(wanted_route(&host->wanted, &input, &key, &route), 1);
    assert_int_equal(route->type, RTN_UNREACHABLE);
    route_free(route);
    host_clear(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unicast_leads_over_tun),
        cmocka_unit_test(test_types_are_kept_or_thrown),
        cmocka_unit_test(test_excluded_prefixes_cover_main),
        cmocka_unit_test(test_hops_that_cannot_be_taken),
        cmocka_unit_test(test_sources_as_the_kernel_chooses),
        cmocka_unit_test(test_ipv6_source_only_where_tun_is_mixed),
        cmocka_unit_test(test_metrics_come_along),
        cmocka_unit_test(test_mirror_default_keeps_defaults_only),
        cmocka_unit_test(test_interfaces),
        cmocka_unit_test(test_closed_has_a_last_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
