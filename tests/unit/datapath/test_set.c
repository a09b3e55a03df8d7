/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets against a list that is searched from end to end, and rules that name sets. */
#include "../random.h"
#include "../unit.h"
#include "forge.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/match.h"
#include "ipmodd/datapath/set.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static struct set *prefix_set(const char *const *texts, size_t count)
{
    struct set *set = set_new("s", SET_PREFIX);

    assert_non_null(set);
    for (size_t i = 0; i < count; i++) {
        struct address_range range;
        struct value_error error;

        assert_int_equal(address_range_parse(texts[i], &range, &error), 0);
        assert_int_equal(set_add_addresses(set, &range), 0);
    }
    assert_int_equal(set_finish(set), 0);
    return set;
}

static bool has(const struct set *set, const char *address)
{
    struct ip_addr addr;

    assert_int_equal(ip_addr_parse(address, &addr), 0);
    return set_has_address(set, addr.family, addr.bytes);
}

static void test_edges(void **state)
{
    static const char *const texts[] = {"198.51.100.0/24", "192.0.2.7",
                                        "192.0.2.0/29",    "203.0.113.5-203.0.113.20",
                                        "2001:db8::/32",   "255.255.255.255",
                                        "2001:db8:1::/48"};
    struct set *set = prefix_set(texts, ARRAY_SIZE(texts));

    (void)state;
    assert_int_equal(set_families(set), FAMILIES_ALL);
    assert_true(has(set, "192.0.2.0") && has(set, "192.0.2.7"));
    assert_false(has(set, "192.0.1.255") || has(set, "192.0.2.8") || has(set, "0.0.0.0"));
    assert_true(has(set, "198.51.100.0") && has(set, "198.51.100.255"));
    assert_false(has(set, "198.51.99.255") || has(set, "198.51.101.0"));
    assert_true(has(set, "203.0.113.5") && has(set, "203.0.113.20"));
    assert_false(has(set, "203.0.113.4") || has(set, "203.0.113.21"));
    assert_true(has(set, "255.255.255.255"));
    assert_true(has(set, "2001:db8::") && has(set, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"));
    assert_false(has(set, "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff") || has(set, "2001:db9::"));
    set_free(set);
}

static void test_whole_and_nothing(void **state)
{
    static const char *const all[] = {"0.0.0.0/0", "192.0.2.0/24", "::-ffff::"};
    struct set *set = prefix_set(all, ARRAY_SIZE(all)), *none = prefix_set(NULL, 0);

    (void)state;
    assert_true(has(set, "0.0.0.0") && has(set, "255.255.255.255") && has(set, "192.0.2.1"));
    assert_true(has(set, "::") && has(set, "ffff::"));
    assert_false(has(set, "ffff::1") || has(none, "0.0.0.0") || has(none, "::"));
    assert_int_equal(set_families(none), 0);
    set_free(set);
    set_free(none);
}

enum { RANGES = 3000, QUESTIONS = 20000 };

/* Addresses from a small space, so that ranges meet, nest and repeat. */
static struct ip_addr small_address(struct random *random, enum ip_family family)
{
    struct ip_addr addr = {.family = family};
    size_t tail = IP_ADDR_BYTES(family) - 3;

    addr.bytes[0] = 0x20;
    random_fill(random, addr.bytes + tail, 3);
    addr.bytes[tail] &= 3;
    return addr;
}

static struct address_range small_range(struct random *random, enum ip_family family)
{
    struct ip_addr first = small_address(random, family), last = first;

    last.bytes[IP_ADDR_BYTES(family) - 1] |= (uint8_t)random_below(random, 64);
    return (struct address_range){first, last};
}

static bool in_any(const struct address_range *ranges, const struct ip_addr *addr)
{
    for (size_t i = 0; i < RANGES; i++) {
        if (address_range_holds(&ranges[i], addr->family, addr->bytes))
            return true;
    }
    return false;
}

static void test_like_a_list(void **state)
{
    static struct address_range ranges[RANGES];
    struct random random = {11};

    (void)state;
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        struct set *set = set_new("s", SET_PREFIX);
        unsigned held = 0;

        for (size_t i = 0; i < RANGES; i++) {
            ranges[i] = small_range(&random, family);
            assert_int_equal(set_add_addresses(set, &ranges[i]), 0);
        }
        assert_int_equal(set_finish(set), 0);
        for (size_t i = 0; i < QUESTIONS; i++) {
            struct ip_addr addr = small_address(&random, family);
            bool expected = in_any(ranges, &addr);

            assert_int_equal(set_has_address(set, family, addr.bytes), expected);
            held += expected;
        }
        assert_in_range(held, QUESTIONS / 20, QUESTIONS - QUESTIONS / 20);
        set_free(set);
    }
}

static void test_ports(void **state)
{
    struct set *set = set_new("s", SET_PORT);

    (void)state;
    set_add_ports(set, 0, 0);
    set_add_ports(set, 63, 64);
    set_add_ports(set, 65535, 65535);
    assert_int_equal(set_finish(set), 0);
    assert_true(set_has_port(set, 0) && set_has_port(set, 63) && set_has_port(set, 64) &&
                set_has_port(set, 65535));
    assert_false(set_has_port(set, 1) || set_has_port(set, 62) || set_has_port(set, 65) ||
                 set_has_port(set, 65534));
    set_free(set);
}

/* What KEY = VALUE says of PACKET with SETS. */
static bool holds(const struct set_list *sets, const char *key, const char *value,
                  const struct packet *packet)
{
    const struct match_type *type = match_type_find(key);
    const struct scope scope = scope_all();
    struct value_error error;
    void *parsed;
    bool result;

    assert_int_equal(type->parse(value, &scope, &parsed, &error), 0);
    assert_int_equal(type->bind(parsed, sets, &error), 0);
    result = type->test(parsed, &(struct match_context){.state = NULL}, packet);
    type->free(parsed);
    return result;
}

/* Forged packets go from 192.0.2.1, port 1234, to 198.51.100.2, port 80. */
static void test_in_matches(void **state)
{
    static const char *const net[] = {"192.0.2.0/24"};
    static struct forged forged;
    struct set *ports = set_new("web", SET_PORT);
    struct set_list sets = {.items = NULL};
    struct packet packet;

    (void)state;
    set_add_ports(ports, 80, 81);
    assert_int_equal(set_list_add(&sets, ports), 0);
    assert_int_equal(set_list_add(&sets, prefix_set(net, 1)), 0);
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_UDP);
    forge_l4(&forged, 20);
    forge_seal(&forged);
    packet = forged_packet(&forged);
    assert_true(holds(&sets, "src", "@s", &packet));
    assert_false(holds(&sets, "src", "!@s", &packet));
    assert_false(holds(&sets, "src", "@s, !192.0.2.1", &packet));
    assert_true(holds(&sets, "src", "203.0.113.1, @s", &packet));
    assert_false(holds(&sets, "dst", "@s", &packet));
    assert_true(holds(&sets, "dst", "!@s", &packet));
    assert_true(holds(&sets, "host", "@s", &packet));
    assert_false(holds(&sets, "host", "!@s", &packet));
    assert_true(holds(&sets, "dport", "@web", &packet));
    assert_false(holds(&sets, "dport", "@web, !80", &packet));
    assert_false(holds(&sets, "dport", "1-100, !@web", &packet));
    assert_true(holds(&sets, "sport", "!@web", &packet));
    assert_true(holds(&sets, "port", "@web", &packet));
    assert_true(holds(&sets, "sport", "1234, @web", &packet));
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_GRE);
    forge_seal(&forged);
    packet = forged_packet(&forged);
    assert_false(holds(&sets, "src", "!@s", &packet)); /* speaks of IPv4 */
    assert_false(holds(&sets, "port", "!@web", &packet));
    set_list_clear(&sets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),       cmocka_unit_test(test_whole_and_nothing),
        cmocka_unit_test(test_like_a_list), cmocka_unit_test(test_ports),
        cmocka_unit_test(test_in_matches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
