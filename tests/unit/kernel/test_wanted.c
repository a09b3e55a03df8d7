/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules, settings and addresses that a host should have. */
#include "hosts.h"
#include "ipmodd/base/macro.h"

#include <linux/if_addr.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* The rules of FAMILY, in order, as the tool's words, a line each. */
static void rules_text(const struct host *host, enum ip_family family, char *text, size_t size)
{
    FILE *out = fmemopen(text, size, "w");

    assert_non_null(out);
    text[0] = '\0'; /* a stream without output writes no end */
    for (size_t i = 0; i < host->wanted.rule_count; i++) {
        char line[RULE_TEXT];

        if (host->wanted.rules[i].family == family)
            fprintf(out, "%s\n", rule_format(&host->wanted.rules[i], line));
    }
    fclose(out);
}

static void test_rules_by_direction(void **state)
{
    static const struct {
        unsigned directions;
        const char *divert;
    } cases[] = {
        {DIRECTIONS_OUT, "priority 32765 iif lo lookup 100 protocol 213\n"},
        {DIRECTIONS_OUT | DIRECTIONS_FORWARD, "priority 32765 lookup 100 protocol 213\n"},
        {DIRECTIONS_FORWARD, "priority 32765 not iif lo lookup 100 protocol 213\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct host *host = host_make();
        char expected[512];
        char text[512];

        host->config->divert.directions = cases[i].directions;
        host_compute(host);
        snprintf(expected, sizeof(expected),
                 "priority 99 iif tun0 lookup main suppress_ifgroup 100 protocol 213\n"
                 "priority 100 iif tun0 type unreachable protocol 213\n%s",
                 cases[i].divert);
        rules_text(host, FAMILY_IPV4, text, sizeof(text));
        assert_string_equal(text, expected);
        rules_text(host, FAMILY_IPV6, text, sizeof(text));
        assert_string_equal(text, expected);
        host_clear(host);
    }
}

static const struct setting *find_setting(const struct host *host, const char *path)
{
    for (size_t i = 0; i < host->wanted.setting_count; i++) {
        char text[SYSCTL_PATH];

        if (strcmp(sysctl_path(&host->wanted.settings[i], text), path) == 0)
            return &host->wanted.settings[i];
    }
    return NULL;
}

static void add_exclusion(struct config_divert *divert, const char *prefix)
{
    divert->excludes =
        reallocarray(divert->excludes, divert->exclude_count + 1, sizeof(*divert->excludes));
    assert_non_null(divert->excludes);
    assert_int_equal(ip_prefix_parse(prefix, &divert->excludes[divert->exclude_count++]), 0);
}

/* What comes in: exceptions first, each once; then each device; a barrier where none forwarded. */
static void test_inbound_rules(void **state)
{
    struct host *host = host_make();
    struct config_divert *divert = &host->config->divert;
    char text[2048];

    (void)state;
    divert->directions = DIRECTIONS_IN;
    add_exclusion(divert, "fe80::/10");
    add_exclusion(divert, "2001:db8:7::/48");
    add_exclusion(divert, "192.0.2.0/24");
    divert->exclude_ports = calloc(1, sizeof(*divert->exclude_ports));
    assert_non_null(divert->exclude_ports);
    divert->exclude_ports[0] = (struct port_exclusion){IPPROTO_UDP, 546, 547};
    divert->exclude_port_count = 1;
    host_device(host, ETH1)->master = ETH0;
    host_compute(host);
    rules_text(host, FAMILY_IPV6, text, sizeof(text));
    assert_string_equal(text, "priority 99 iif tun0 lookup main suppress_ifgroup 100 protocol 213\n"
                              "priority 100 iif tun0 type unreachable protocol 213\n"
                              "priority 2 iif eth0 type blackhole protocol 213\n"
                              "priority 0 from fe80::/10 lookup local protocol 213\n"
                              "priority 0 from 2001:db8:7::/48 lookup local protocol 213\n"
                              "priority 0 ipproto udp dport 546-547 lookup local protocol 213\n"
                              "priority 0 iif eth0 ipproto tcp lookup 101 protocol 213\n"
                              "priority 0 iif eth0 ipproto udp lookup 101 protocol 213\n"
                              "priority 0 iif eth0 ipproto sctp lookup 101 protocol 213\n"
                              "priority 0 iif eth0 ipproto udplite lookup 101 protocol 213\n"
                              "priority 0 iif eth0 ipproto dccp lookup 101 protocol 213\n");
    assert_int_equal(find_setting(host, "net/ipv6/conf/eth0/force_forwarding")->value, 1);
    assert_int_equal(find_setting(host, "net/ipv4/conf/eth0/forwarding")->value, 1);
    assert_int_equal(find_setting(host, "net/ipv4/udp_early_demux")->value, 0);
    assert_null(find_setting(host, "net/ipv4/conf/eth1/forwarding"));
    assert_true(host->wanted.rules_changed);
    host_compute(host);
    assert_false(host->wanted.rules_changed);
    /* A device that forwards by itself needs neither; what we made it do says nothing. */
    host_device(host, ETH0)->forwarding = 1;
    host->snapshot.forwarding6_all = 1;
    host_compute(host);
    assert_true(host->wanted.rules_changed);
    rules_text(host, FAMILY_IPV4, text, sizeof(text));
    assert_null(strstr(text, "blackhole"));
    assert_non_null(strstr(text, "iif eth0 ipproto icmp lookup 101"));
    rules_text(host, FAMILY_IPV6, text, sizeof(text));
    assert_null(strstr(text, "blackhole"));
    assert_null(find_setting(host, "net/ipv6/conf/eth0/force_forwarding"));
    assert_int_equal(ledger_record(&host->ledger,
                                   &(struct setting){.family = FAMILY_IPV4,
                                                     .device = "eth0",
                                                     .name = "forwarding",
                                                     .value = 1},
                                   0),
                     0);
    host_compute(host);
    rules_text(host, FAMILY_IPV4, text, sizeof(text));
    assert_non_null(strstr(text, "priority 2 iif eth0 type blackhole"));
    assert_non_null(find_setting(host, "net/ipv4/conf/eth0/forwarding"));
    /* All sources excluded: the kernel's own rule does that. */
    add_exclusion(divert, "0.0.0.0/0");
    host_compute(host);
    rules_text(host, FAMILY_IPV4, text, sizeof(text));
    assert_null(strstr(text, "priority 0 "));
    host_clear(host);
}

/* What comes out of another instance's device has been through, and it is that one's to set up. */
static void test_inbound_leaves_other_instances_alone(void **state)
{
    struct host *host = host_make();
    struct device *device = host_device(host, ETH1);
    char text[2048];

    (void)state;
    host->config->divert.directions = DIRECTIONS_IN;
    device->is_tun = true;
    device->flags |= IFF_UP;
    device->group = 200;
    device->accept_local = 1;
    host_compute(host);
    rules_text(host, FAMILY_IPV4, text, sizeof(text));
    assert_null(strstr(text, "iif eth1"));
    assert_null(find_setting(host, "net/ipv4/conf/eth1/forwarding"));
    device->accept_local = 0; /* a VPN's */
    host_compute(host);
    rules_text(host, FAMILY_IPV4, text, sizeof(text));
    assert_non_null(strstr(text, "priority 2 iif eth1 type blackhole"));
    assert_non_null(strstr(text, "iif eth1 ipproto tcp lookup 101"));
    device->flags &= ~(uint32_t)IFF_UP; /* nobody can tell yet */
    host_compute(host);
    rules_text(host, FAMILY_IPV4, text, sizeof(text));
    assert_null(strstr(text, "iif eth1"));
    host_clear(host);
}

static bool has_inbound_route(const struct host *host, const char *address, uint8_t type)
{
    struct ip_prefix prefix;

    assert_int_equal(ip_prefix_parse(address, &prefix), 0);
    for (const struct route *route = host->wanted.inbound.routes; route != NULL;
         route = route->hh.next) {
        if (route->type == type && route->key.family == prefix.addr.family &&
            memcmp(route->key.dst, prefix.addr.bytes, sizeof(route->key.dst)) == 0)
            return true;
    }
    return false;
}

static void test_inbound_routes(void **state)
{
    struct host *host = host_make();

    (void)state;
    host->config->divert.directions = DIRECTIONS_IN;
    host->config->divert.on_exit = ON_EXIT_CLOSED;
    host_add_address(host, LO, "127.0.0.1/8");
    host_add_address(host, LO, "::1/128");
    host_add_address(host, ETH0, "169.254.3.3/16");
    host_add_address(host, ETH0, "fe80::1/64");
    host_add_address(host, ETH0, "2001:db8::7/64")->flags = IFA_F_TENTATIVE;
    host_add_address(host, ETH0, "2001:db8::8/64")->flags = IFA_F_DADFAILED;
    host_add_address(host, ETH0, "192.0.2.1/24");
    host_add_address(host, ETH1, "192.0.2.1/24"); /* once is enough */
    host_add_address(host, ETH0, "2001:db8::9/64");
    host_add_address(host, LO, "203.0.113.1/32");
    host_compute(host);
    assert_int_equal(route_set_count(&host->wanted.inbound), 6);
    assert_true(has_inbound_route(host, "192.0.2.1", RTN_UNICAST));
    assert_true(has_inbound_route(host, "192.0.2.1", RTN_UNREACHABLE));
    assert_true(has_inbound_route(host, "2001:db8::9", RTN_UNICAST));
    assert_true(has_inbound_route(host, "203.0.113.1", RTN_UNICAST));
    host->config->divert.directions = DIRECTIONS_OUT;
    host_compute(host);
    assert_int_equal(route_set_count(&host->wanted.inbound), 0);
    host_clear(host);
}

static void test_divert_rules_of_devices(void **state)
{
    static char names[3][IFNAMSIZ] = {"lan", "wlan0", "lan"};
    struct host *host = host_make();
    char text[1024];

    (void)state;
    host->config->divert.interfaces = names;
    host->config->divert.interface_count = ARRAY_SIZE(names);
    host->config->divert.directions = DIRECTIONS_OUT | DIRECTIONS_FORWARD;
    host_compute(host);
    rules_text(host, FAMILY_IPV4, text, sizeof(text));
    assert_string_equal(strstr(text, "priority 32765"),
                        "priority 32765 iif lo lookup 100 protocol 213\n"
                        "priority 32765 iif lan lookup 100 protocol 213\n"
                        "priority 32765 iif wlan0 lookup 100 protocol 213\n");
    host->config->divert.interfaces = NULL;
    host->config->divert.interface_count = 0;
    host_clear(host);
}

static void test_exclusions_stand_before_the_divert_rule(void **state)
{
    struct host *host = host_make();
    struct config_divert *divert = &host->config->divert;
    char text[1024];

    (void)state;
    divert->families = FAMILIES_IPV6;
    host->snapshot.families = FAMILIES_IPV6;
    divert->directions = DIRECTIONS_OUT | DIRECTIONS_FORWARD;
    divert->mirror = MIRROR_DEFAULT;
    divert->exclude_uids = calloc(1, sizeof(*divert->exclude_uids));
    divert->exclude_ports = calloc(2, sizeof(*divert->exclude_ports));
    assert_non_null(divert->exclude_uids);
    assert_non_null(divert->exclude_ports);
    divert->exclude_uids[0] = (struct uid_range){100, 200};
    divert->exclude_uid_count = 1;
    divert->exclude_ports[0] = (struct port_exclusion){IPPROTO_TCP, 22, 22};
    divert->exclude_ports[1] = (struct port_exclusion){IPPROTO_UDP, 0, 1023};
    divert->exclude_port_count = 2;
    host_compute(host);
    rules_text(host, FAMILY_IPV4, text, sizeof(text));
    assert_string_equal(text, "");
    rules_text(host, FAMILY_IPV6, text, sizeof(text));
    assert_string_equal(text, "priority 99 iif tun0 lookup main suppress_ifgroup 100 protocol 213\n"
                              "priority 100 iif tun0 type unreachable protocol 213\n"
                              "priority 32764 iif lo uidrange 100-200 lookup main protocol 213\n"
                              "priority 32764 ipproto tcp dport 22 lookup main protocol 213\n"
                              "priority 32764 ipproto udp dport 0-1023 lookup main protocol 213\n"
                              "priority 32764 lookup main suppress_prefixlength 0 protocol 213\n"
                              "priority 32765 lookup 100 protocol 213\n");
    host_clear(host);
}

static void test_strict_rp_filter_becomes_loose(void **state)
{
    for (int32_t all = 0; all <= 2; all++) {
        for (int32_t device = 0; device <= 2; device++) {
            struct host *host = host_make();
            bool is_strict = MAX_OF(all, device) == 1;

            (void)state;
            host->snapshot.rp_filter_all = all;
            host_device(host, ETH0)->rp_filter = device;
            host_device(host, ETH1)->rp_filter = 1; /* no route leads over it */
            host_add_route(host, "0.0.0.0/0", ETH0, "192.0.2.254");
            host_compute(host);
            assert_int_equal(host->wanted.tun_rp_filter, all == 0 ? 0 : 2);
            assert_int_equal(find_setting(host, "net/ipv4/conf/eth0/rp_filter") != NULL, is_strict);
            assert_null(find_setting(host, "net/ipv4/conf/eth1/rp_filter"));
            host_clear(host);
        }
    }
}

static void test_own_doing_says_nothing_about_the_host(void **state)
{
    struct host *host = host_make();
    struct setting ours = {.family = FAMILY_IPV4, .name = "rp_filter", .value = 2};

    (void)state;
    strcpy(ours.device, "eth0");
    host_device(host, ETH0)->rp_filter = 2;
    host_add_route(host, "0.0.0.0/0", ETH0, "192.0.2.254");
    host_compute(host);
    assert_null(find_setting(host, "net/ipv4/conf/eth0/rp_filter"));
    assert_int_equal(ledger_record(&host->ledger, &ours, 1), 0);
    host_compute(host);
    assert_non_null(find_setting(host, "net/ipv4/conf/eth0/rp_filter"));
    host_device(host, ETH0)->rp_filter = 0; /* an administrator has opened it */
    host_compute(host);
    assert_null(find_setting(host, "net/ipv4/conf/eth0/rp_filter"));
    host_clear(host);
}

static void test_forwarding_of_old_kernels(void **state)
{
    struct host *host = host_make();

    (void)state;
    host_device(host, ETH0)->accept_ra6 = 1;
    host_device(host, ETH1)->accept_ra6 = 0;
    host_compute(host);
    assert_int_equal(find_setting(host, "net/ipv6/conf/tun0/force_forwarding")->value, 1);
    assert_null(find_setting(host, "net/ipv6/conf/all/forwarding"));
    host->snapshot.has_force_forwarding = false;
    host_compute(host);
    assert_null(find_setting(host, "net/ipv6/conf/tun0/force_forwarding"));
    assert_int_equal(find_setting(host, "net/ipv6/conf/eth0/accept_ra")->value, 2);
    assert_null(find_setting(host, "net/ipv6/conf/eth1/accept_ra"));
    assert_int_equal(find_setting(host, "net/ipv6/conf/all/forwarding")->value, 1);
    /* The routers are to be heard before forwarding is switched on. */
    assert_true(find_setting(host, "net/ipv6/conf/all/forwarding") >
                find_setting(host, "net/ipv6/conf/eth0/accept_ra"));
    host->snapshot.forwarding6_all = 1; /* a router already */
    host_compute(host);
    assert_int_equal(host->wanted.setting_count, 0);
    host_clear(host);
}

static void test_forwarding_of_all_overwrites_that_of_devices(void **state)
{
    const struct setting all = setting_make(FAMILY_IPV6, "all", "forwarding", 1);
    const struct setting eth1 = setting_make(FAMILY_IPV6, "eth1", "forwarding", 0);
    struct host *host = host_make();

    (void)state;
    host->snapshot.has_force_forwarding = false;
    host_device(host, ETH0)->accept_ra6 = host_device(host, ETH1)->accept_ra6 = 1;
    host_device(host, ETH1)->forwarding6 = 1; /* and so it hears no routers */
    host_compute(host);
    assert_non_null(find_setting(host, "net/ipv6/conf/eth0/accept_ra"));
    assert_null(find_setting(host, "net/ipv6/conf/eth1/accept_ra"));
    assert_int_equal(host->wanted.overwritten_count, 1);
    assert_string_equal(host->wanted.overwritten[0].device, "eth1");
    assert_int_equal(ledger_record(&host->ledger, &eth1, 1), 0);
    assert_int_equal(ledger_record(&host->ledger, &all, 0), 0);
    /* Now all devices forward, by our doing. */
    host->snapshot.forwarding6_all = host->snapshot.forwarding6_default = 1;
    host_device(host, ETH0)->forwarding6 = 1;
    host_compute(host);
    assert_non_null(find_setting(host, "net/ipv6/conf/eth0/accept_ra"));
    assert_null(find_setting(host, "net/ipv6/conf/eth1/accept_ra"));
    assert_int_equal(host->wanted.overwritten_count, 1);
    assert_string_equal(host->wanted.overwritten[0].device, "eth1");
    host_clear(host);
}

static bool borrows(const struct host *host, const char *text, uint32_t preferred)
{
    struct ip_addr addr;

    assert_int_equal(ip_addr_parse(text, &addr), 0);
    for (size_t i = 0; i < host->wanted.address_count; i++) {
        const struct address *address = &host->wanted.addresses[i];

        if (ip_addr_equal(&address->local, &addr))
            return address->preferred == preferred && address->ifindex == TUN &&
                   address->prefix_len == IP_ADDR_BITS(addr.family);
    }
    return false;
}

static void test_which_addresses_are_borrowed(void **state)
{
    struct host *host = host_make();

    (void)state;
    host_add_route(host, "0.0.0.0/0", ETH0, "192.0.2.254");
    host_add_address(host, ETH0, "192.0.2.1/24");
    host_add_address(host, ETH0, "169.254.1.1/16")->scope = RT_SCOPE_LINK;
    host_add_address(host, ETH0, "2001:db8::1/64");
    host_add_address(host, ETH0, "2001:db8::2/64")->flags = IFA_F_TENTATIVE;
    host_add_address(host, ETH0, "2001:db8::3/64")->flags = IFA_F_DADFAILED;
    host_add_address(host, ETH0, "2001:db8::4/64")->preferred = 0;
    host_add_address(host, ETH0, "fe80::1/64")->scope = RT_SCOPE_LINK;
    host_add_address(host, ETH1, "198.51.100.1/24"); /* no route leads over it */
    host_compute(host);
    assert_int_equal(host->wanted.address_count, 3);
    assert_true(borrows(host, "192.0.2.1", UINT32_MAX));
    assert_true(borrows(host, "2001:db8::1", UINT32_MAX));
    assert_true(borrows(host, "2001:db8::4", 0));
    host_clear(host);
}

static void test_temporary_addresses_stay_the_choice(void **state)
{
    struct host *host = host_make();

    (void)state;
    host_add_route(host, "::/0", ETH0, "2001:db8::9");
    host_add_address(host, ETH0, "2001:db8::1/64");
    host_add_address(host, ETH0, "2001:db8::aaaa/64")->flags = IFA_F_TEMPORARY;
    host_add_address(host, ETH0, "2001:db8:0:1::1/64"); /* no temporary one in this subnet */
    host_device(host, ETH0)->use_tempaddr6 = 2;
    host_compute(host);
    assert_true(borrows(host, "2001:db8::1", 0));
    assert_true(borrows(host, "2001:db8::aaaa", UINT32_MAX));
    assert_true(borrows(host, "2001:db8:0:1::1", UINT32_MAX));
    host_device(host, ETH0)->use_tempaddr6 = 1;
    host_compute(host);
    assert_true(borrows(host, "2001:db8::1", UINT32_MAX));
    assert_true(borrows(host, "2001:db8::aaaa", 0));
    host_clear(host);
}

static void test_view_of_own_addresses_and_of_what_would_loop(void **state)
{
    static const uint8_t inside[] = {203, 0, 113, 7}, outside[] = {198, 51, 100, 7};
    static const uint8_t broadcast[] = {192, 0, 2, 63}, given[] = {10, 9, 8, 7};
    struct host *host = host_make();
    struct host_view *view;

    (void)state;
    host->config->tun.addresses = calloc(1, sizeof(*host->config->tun.addresses));
    assert_non_null(host->config->tun.addresses);
    assert_int_equal(ip_prefix_parse("10.9.8.1/24", host->config->tun.addresses), 0);
    host->config->tun.address_count = 1;
    host_add_address(host, ETH0, "192.0.2.1/26");
    host_add_route(host, "0.0.0.0/0", ETH0, "192.0.2.2");
    host_add_route(host, "0.0.0.0/0", TUN, NULL);
    host_add_route(host, "203.0.113.0/24", TUN, NULL);
    view = snapshot_view(&host->snapshot, host->config, TUN);
    assert_non_null(view);
    assert_true(host_view_is_local(view, FAMILY_IPV4, host->snapshot.addresses[0].local.bytes));
    assert_true(host_view_is_broadcast(view, FAMILY_IPV4, broadcast));
    assert_false(host_view_is_tun_prefix(view, FAMILY_IPV4, inside));
    assert_true(host_view_is_loop(view, FAMILY_IPV4, inside));
    assert_false(host_view_is_loop(view, FAMILY_IPV4, outside));
    assert_true(host_view_is_tun_prefix(view, FAMILY_IPV4, given));
    assert_false(host_view_is_tun_prefix(view, FAMILY_IPV4, outside));
    host_view_free(view);
    host_clear(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_by_direction),
        cmocka_unit_test(test_inbound_rules),
        cmocka_unit_test(test_inbound_leaves_other_instances_alone),
        cmocka_unit_test(test_inbound_routes),
        cmocka_unit_test(test_divert_rules_of_devices),
        cmocka_unit_test(test_exclusions_stand_before_the_divert_rule),
        cmocka_unit_test(test_strict_rp_filter_becomes_loose),
        cmocka_unit_test(test_own_doing_says_nothing_about_the_host),
        cmocka_unit_test(test_forwarding_of_old_kernels),
        cmocka_unit_test(test_forwarding_of_all_overwrites_that_of_devices),
        cmocka_unit_test(test_which_addresses_are_borrowed),
        cmocka_unit_test(test_temporary_addresses_stay_the_choice),
        cmocka_unit_test(test_view_of_own_addresses_and_of_what_would_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
