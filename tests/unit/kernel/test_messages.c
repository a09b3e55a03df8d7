/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink messages: what is written reads back the same; rules and routes of others are told. */
#include "../unit.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/kernel/divert.h"
#include "kernel/device.h"
#include "kernel/nexthop.h"
#include "kernel/route.h"
#include "kernel/rule.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <string.h>

static void test_route_round_trip(void **state)
{
    struct route *route = route_new(1);
    struct route *back = NULL;
    struct nl_msg *message;
    uint32_t table = 0;

    (void)state;
    route->key = (struct route_key){.family = FAMILY_IPV6,
                                    .dst_len = 48,
                                    .src_len = 64,
                                    .metric = 77,
                                    .dst = {0x20, 1},
                                    .src = {0x20, 2}};
    route->type = RTN_UNICAST;
    route->hops[0].ifindex = 9;
    route->has_source = true;
    route->source[15] = 5;
    route_metrics_of(route)->mask = 1u << RTAX_MTU | 1u << RTAX_CC_ALGO;
    route->metrics->values[RTAX_MTU] = 1400;
    strcpy(route->metrics->congestion, "reno");
    message = route_message_new(route, 100000, NLM_F_CREATE);
    assert_non_null(message);
    assert_int_equal(route_parse(nlmsg_hdr(message), &back, &table), 1);
    assert_int_equal(table, 100000);
    assert_memory_equal(&back->key, &route->key, sizeof(back->key));
    assert_int_equal(back->protocol, DIVERT_PROTOCOL);
    assert_true(route_same(route, back));
    back->metrics->values[RTAX_MTU] = 1401;
    assert_false(route_same(route, back));
    nlmsg_free(message);
    route_free(route);
    route_free(back);
}

static void test_cut_route_messages_are_refused(void **state)
{
    struct rtmsg header = {.rtm_family = AF_INET, .rtm_dst_len = 33};
    struct nl_msg *message = nlmsg_alloc_simple(RTM_NEWROUTE, 0);
    struct route *route;
    uint32_t table;

    (void)state;
    assert_int_equal(route_parse(nlmsg_hdr(message), &route, &table), -EBADMSG);
    nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
    assert_int_equal(route_parse(nlmsg_hdr(message), &route, &table), -EBADMSG);
    nlmsg_free(message);
}

/* Numbers that are shorter than they should be are not read beyond their end. */
static void test_short_attributes(void **state)
{
    struct rtmsg route_header = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};
    struct fib_rule_hdr rule_header = {.family = AF_INET, .action = FR_ACT_TO_TBL};
    struct ifinfomsg device_header = {.ifi_family = AF_UNSPEC};
    struct nl_msg *route = nlmsg_alloc_simple(RTM_NEWROUTE, 0);
    struct nl_msg *rule = nlmsg_alloc_simple(RTM_NEWRULE, 0);
    struct nl_msg *device = nlmsg_alloc_simple(RTM_NEWLINK, 0);
    struct device ret_device;
    struct route *ret_route;
    struct rule ret_rule;
    enum rule_owner owner;
    uint32_t table;

    (void)state;
    nlmsg_append(route, &route_header, sizeof(route_header), NLMSG_ALIGNTO);
    nla_put_u8(route, RTA_PRIORITY, 1);
    assert_int_equal(route_parse(nlmsg_hdr(route), &ret_route, &table), -EBADMSG);
    nlmsg_append(rule, &rule_header, sizeof(rule_header), NLMSG_ALIGNTO);
    nla_put_u16(rule, FRA_PRIORITY, 1);
    assert_int_equal(rule_parse(nlmsg_hdr(rule), &ret_rule, &owner), -EBADMSG);
    nlmsg_append(device, &device_header, sizeof(device_header), NLMSG_ALIGNTO);
    nla_put_u64(device, IFLA_STATS64, 1);
    assert_int_equal(device_parse(nlmsg_hdr(device), &ret_device), -EBADMSG);
    nlmsg_free(route);
    nlmsg_free(rule);
    nlmsg_free(device);
}

/* The dump of all addresses has those of every family that a device may have. */
static void test_addresses_of_other_families(void **state)
{
    struct ifaddrmsg header = {.ifa_family = AF_PHONET, .ifa_index = 2};
    struct nl_msg *message = nlmsg_alloc_simple(RTM_NEWADDR, 0);
    struct address address;

    (void)state;
    nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
    nla_put_u8(message, IFA_LOCAL, 0x10);
    assert_int_equal(address_parse(nlmsg_hdr(message), &address), 0);
    nlmsg_free(message);
}

/* A multipath attribute whose lengths lie is read as far as it is true. */
static void test_lying_multipath(void **state)
{
    struct rtmsg header = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};
    struct rtnexthop hops[3] = {{.rtnh_len = 8, .rtnh_ifindex = 2},
                                {.rtnh_len = 8, .rtnh_ifindex = 3},
                                {.rtnh_len = 200, .rtnh_ifindex = 4}};
    struct nl_msg *message = nlmsg_alloc_simple(RTM_NEWROUTE, 0);
    struct route *route;
    uint32_t table;

    (void)state;
    nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
    nla_put(message, RTA_MULTIPATH, sizeof(hops), hops);
    assert_int_equal(route_parse(nlmsg_hdr(message), &route, &table), 1);
    assert_int_equal(route->hop_count, 2);
    assert_int_equal(route->hops[1].ifindex, 3);
    route_free(route);
    nlmsg_free(message);
}

static void test_rule_round_trip(void **state)
{
    const struct rule rules[] = {
        {.family = FAMILY_IPV4, .priority = 99, .table = RT_TABLE_MAIN, .iif = "tun0"},
        {.family = FAMILY_IPV6, .priority = 100, .action = RULE_UNREACHABLE, .iif = "tun0"},
        {.family = FAMILY_IPV6, .priority = 5, .table = 70000, .iif = "lo", .invert = true},
        {.family = FAMILY_IPV4, .priority = 6, .table = 7, .has_uids = true, .uids = {0, 9}},
        {.family = FAMILY_IPV4,
         .priority = 6,
         .table = 7,
         .proto = IPPROTO_UDP,
         .port_first = 1,
         .port_last = 65535},
        {.family = FAMILY_IPV4, .priority = 6, .table = 7, .suppress_default = true},
        {.family = FAMILY_IPV6, .priority = 6, .table = 254, .suppress_group = 9},
        {.family = FAMILY_IPV4, .priority = 2, .action = RULE_BLACKHOLE, .iif = "eth0"},
        {.family = FAMILY_IPV4, .table = RT_TABLE_LOCAL, .from = {{FAMILY_IPV4, {10}}, 8}},
        {.family = FAMILY_IPV6, .table = RT_TABLE_LOCAL, .from = {{FAMILY_IPV6, {0xfe, 0x80}}, 10}},
        {.family = FAMILY_IPV6, .table = 101, .iif = "eth0", .proto = IPPROTO_SCTP},
        {.family = FAMILY_IPV4, .priority = 1, .table = RT_TABLE_LOCAL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        struct nl_msg *message = rule_message_new(&rules[i]);
        enum rule_owner owner;
        struct rule back;

        assert_non_null(message);
        assert_int_equal(rule_parse(nlmsg_hdr(message), &back, &owner), 0);
        assert_int_equal(owner, RULE_OURS);
        for (size_t other = 0; other < ARRAY_SIZE(rules); other++)
            assert_int_equal(rule_equal(&back, &rules[other]), other == i);
        nlmsg_free(message);
    }
}

static void test_rules_of_others(void **state)
{
    const struct rule rule = {.family = FAMILY_IPV4, .priority = 99, .table = RT_TABLE_MAIN};
    struct nl_msg *marked = rule_message_new(&rule);
    struct fib_rule_hdr header = {.family = AF_INET, .action = FR_ACT_TO_TBL};
    struct nl_msg *theirs = nlmsg_alloc_simple(RTM_NEWRULE, 0);
    enum rule_owner owner;
    struct rule back;

    (void)state;
    nla_put_u32(marked, FRA_FWMARK, 7); /* our number, but no shape of ours */
    assert_int_equal(rule_parse(nlmsg_hdr(marked), &back, &owner), 0);
    assert_int_equal(owner, RULE_FOREIGN);
    assert_int_equal(back.priority, 99);
    nlmsg_append(theirs, &header, sizeof(header), NLMSG_ALIGNTO);
    nla_put_u32(theirs, FRA_PRIORITY, 32765);
    assert_int_equal(rule_parse(nlmsg_hdr(theirs), &back, &owner), 0);
    assert_int_equal(owner, RULE_FOREIGN);
    assert_int_equal(back.priority, 32765);
    nlmsg_free(marked);
    nlmsg_free(theirs);
}

/* The kernel's own rule is told from all others, whoever added it again. */
static void test_rule_for_table_local(void **state)
{
    const struct rule kernels = {
        .family = FAMILY_IPV6, .table = RT_TABLE_LOCAL, .protocol = RTPROT_BOOT};
    const struct rule later = {
        .family = FAMILY_IPV6, .priority = 7, .table = RT_TABLE_LOCAL, .protocol = RTPROT_BOOT};
    const struct rule narrow = {
        .family = FAMILY_IPV6, .table = RT_TABLE_LOCAL, .iif = "eth0", .protocol = RTPROT_BOOT};
    const struct {
        const struct rule *rule;
        enum rule_owner owner;
    } cases[] = {{&kernels, RULE_LOCAL}, {&later, RULE_FOREIGN}, {&narrow, RULE_FOREIGN}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct nl_msg *message = rule_message_new(cases[i].rule);
        enum rule_owner owner;
        struct rule back;

        assert_int_equal(rule_parse(nlmsg_hdr(message), &back, &owner), 0);
        assert_int_equal(owner, cases[i].owner);
        assert_int_equal(back.protocol, RTPROT_BOOT);
        nlmsg_free(message);
    }
}

static struct route *variant(uint32_t ifindex)
{
    struct route *route = route_new(1);

    assert_non_null(route);
    route->key.dst_len = 24;
    route->type = RTN_UNICAST;
    route->hops[0].ifindex = ifindex;
    return route;
}

static void test_variants_of_a_key(void **state)
{
    struct route_set set = {.routes = NULL};
    struct route *gone = variant(2);

    (void)state;
    assert_int_equal(route_set_append(&set, variant(2)), 0);
    assert_int_equal(route_set_append(&set, variant(3)), 0);
    assert_int_equal(route_set_prepend(&set, variant(1)), 0);
    assert_int_equal(route_set_count(&set), 1);
    assert_int_equal(route_set_find(&set, &gone->key)->hops[0].ifindex, 1);
    assert_true(route_set_remove_same(&set, gone));
    assert_false(route_set_remove_same(&set, gone));
    gone->hops[0].ifindex = 1;
    assert_true(route_set_remove_same(&set, gone));
    assert_int_equal(route_set_find(&set, &gone->key)->hops[0].ifindex, 3);
    gone->hops[0].ifindex = 3;
    assert_true(route_set_remove_same(&set, gone));
    assert_null(route_set_find(&set, &gone->key));
    route_free(gone);
}

static void test_nexthop_objects_give_their_hops(void **state)
{
    uint32_t members[] = {1, 2, 99};
    struct nexthop items[] = {{.id = 1, .hop = {.ifindex = 2}},
                              {.id = 2, .hop = {.ifindex = 3}},
                              {.id = 7, .members = members, .member_count = 3}};
    const struct nexthops nexthops = {.items = items, .count = ARRAY_SIZE(items)};
    struct route *route = route_new(0);

    (void)state;
    route->type = RTN_UNICAST;
    route->nexthop_id = 7;
    route = nexthops_resolve(&nexthops, route);
    assert_non_null(route);
    assert_int_equal(route->hop_count, 2);
    assert_int_equal(route->hops[0].ifindex, 2);
    assert_int_equal(route->hops[1].ifindex, 3);
    route_free(route);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_round_trip),
        cmocka_unit_test(test_cut_route_messages_are_refused),
        cmocka_unit_test(test_lying_multipath),
        cmocka_unit_test(test_short_attributes),
        cmocka_unit_test(test_addresses_of_other_families),
        cmocka_unit_test(test_rule_round_trip),
        cmocka_unit_test(test_rules_of_others),
        cmocka_unit_test(test_rule_for_table_local),
        cmocka_unit_test(test_variants_of_a_key),
        cmocka_unit_test(test_nexthop_objects_give_their_hops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
