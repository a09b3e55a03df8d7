/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every key of [main], [tun] and [divert]: right and wrong values, and what only fits together. */
#include "fixture.h"

#include "setting.h"

#include <stdlib.h>
#include <string.h>

struct right {
    const char *section, *key, *value;
    const char *printed; /* NULL: as written */
};

struct wrong {
    const char *section, *key, *value;
    const char *complaint; /* behind "[section] key: " */
};

static const struct right rights[] = {
    {"main", "policy", "accept", NULL},
    {"main", "policy", "drop", NULL},
    {"main", "malformed", "drop", NULL},
    {"main", "malformed", "pass", NULL},
    {"main", "log-level", "error", NULL},
    {"main", "log-level", "debug", NULL},
    {"main", "control", "auto", NULL},
    {"main", "control", "off", NULL},
    {"main", "control", "/run/x", NULL},
    {"main", "metrics", "off", NULL},
    {"main", "metrics", "0.0.0.0:9469", NULL},
    {"main", "metrics", "[2001:db8::1]:1", NULL},
    {"main", "seed", "auto", NULL},
    {"main", "seed", "18446744073709551615", NULL},
    {"tun", "name", "modifier0", NULL},
    {"tun", "name", "fifteen-letters", NULL},
    {"tun", "address", "borrow", NULL},
    {"tun", "address", "192.0.2.1/24, 2001:db8::1/64", NULL},
    {"tun", "mtu", "auto", NULL},
    {"tun", "mtu", "1280", NULL},
    {"tun", "mtu", "65535", NULL},
    {"tun", "offload", "auto", NULL},
    {"tun", "offload", "off", NULL},
    {"tun", "merge", "exact", NULL},
    {"tun", "merge", "relaxed", NULL},
    {"tun", "merge", "off", NULL},
    {"tun", "queues", "1", NULL},
    {"tun", "queues", "16", NULL},
    {"tun", "busy-poll", "auto", NULL},
    {"tun", "busy-poll", "off", NULL},
    {"tun", "busy-poll", "1000", NULL},
    {"tun", "rps", "off", NULL},
    {"tun", "rps", "all", NULL},
    {"tun", "rps", "0", NULL},
    {"tun", "rps", "0,2-3", NULL},
    {"tun", "rps", "3, 2, 8191", "2-3,8191"},
    {"divert", "direction", "out", NULL},
    {"divert", "direction", "forward", NULL},
    {"divert", "direction", "forward,out", "out, forward"},
    {"divert", "direction", "in", NULL},
    {"divert", "direction", "in, out", "out, in"},
    {"divert", "interfaces", "eth0", NULL},
    {"divert", "interfaces", "eth0,wlan0.7", "eth0, wlan0.7"},
    {"divert", "family", "ipv6", NULL},
    {"divert", "family", "ipv6, ipv4", "ipv4, ipv6"},
    {"divert", "table", "1", NULL},
    {"divert", "table", "252", NULL},
    {"divert", "table", "256", NULL},
    {"divert", "table", "4294967295", NULL},
    {"divert", "priority", "1", NULL},
    {"divert", "priority", "32762", NULL},
    {"divert", "divert-priority", "102", NULL},
    {"divert", "exclude", "192.0.2.77/24,2001:db8::1", "192.0.2.0/24, 2001:db8::1"},
    {"divert", "exclude-uid", "0, 1000, 2000-2999", NULL},
    {"divert", "exclude-uid", "root", "0"},
    {"divert", "exclude-uid", "4294967294", NULL},
    {"divert", "exclude-port", "tcp/22, udp/5000-5100", NULL},
    {"divert", "mirror", "all", NULL},
    {"divert", "mirror", "default", NULL},
    {"divert", "conntrack", "auto", NULL},
    {"divert", "conntrack", "keep", NULL},
    {"divert", "foreign-netfilter", "warn", NULL},
    {"divert", "foreign-netfilter", "refuse", NULL},
    {"divert", "on-exit", "open", NULL},
    {"divert", "on-exit", "closed", NULL},
    {"flows", "max", "64", NULL},
    {"flows", "max", "16777216", NULL},
    {"flows", "tcp-established", "1d", "86400s"},
    {"flows", "tcp-transitory", "4min", "240s"},
    {"flows", "udp", "120", "120s"},
    {"flows", "nat-mapping", "address-dependent", NULL},
    {"flows", "nat-filtering", "address-and-port-dependent", NULL},
    {"flows", "nat-refuse-after", "off", NULL},
    {"flows", "nat-refuse-after", "1min", "60s"},
    {"flows", "nat-ports", "unlimited", NULL},
    {"flows", "nat-ports", "1", NULL},
    {"flows", "nat-ports", "65535", NULL},
    {"flows", "nat-flows", "unlimited", NULL},
    {"flows", "nat-flows", "16777216", NULL},
    {"flows", "icmp", "1s", NULL},
    {"flows", "sctp", "2h", "7200s"},
    {"flows", "other", "10d", "864000s"},
};

#define CONTROL_LONG_BEGIN "/012345678901234567890123456789012345678"
#define CONTROL_LONG \
    CONTROL_LONG_BEGIN "0123456789012345678901234567890123456789012345678901234567890123456789"

/* What is said of a value of more than one key, or more than one value of a key. */
#define NO_TIME(value) "'" value "' is not a time: one such as 240s, 4min or 2h, at most 10d"
#define NO_LINK(value) \
    "'" value "' is not the name of a link: 1 to 15 characters without blanks, '/', ':' and '%'"
#define NO_PREFIX(value) \
    "'" value "' is not an address or prefix: one such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32"
#define NO_PAUSE(value)  "'" value "' is not right: off, or a time from 1s to 1min"
#define NO_QUEUES(value) "'" value "' is out of range: a number of queues is a number from 1 to 16"
#define NO_CPUS(value)                                                                         \
    "'" value "' is not a list of CPUs: numbers from 0 to 8191 and ranges of them, as 0,2-3; " \
    "or all, or off"
#define NO_SEED(value) "'" value "' is not a seed: auto, or a number from 0 to 18446744073709551615"
#define NO_PLACE(value) \
    "'" value           \
    "' is no place to listen at: off, or an address and a port such as 127.0.0.1:9469 or [::1]:9469"
#define NO_PORTS(value) "'" value "' is out of range: a number of ports is a number from 1 to 65535"

static const struct wrong wrongs[] = {
    {"main", "policy", "acept", "'acept' is not a policy; did you mean 'accept'?"},
    {"main", "policy", "0", "'0' is not a policy: accept, drop"},
    {"main", "policy", "", "has no value: accept or drop"},
    {"main", "malformed", "accept",
     "'accept' is not what happens to malformed packets: drop, pass"},
    {"main", "log-level", "warn", "'warn' is not a log level: error, warning, notice, info, debug"},
    {"main", "seed", "-1", NO_SEED("-1")},
    {"main", "seed", "18446744073709551616", NO_SEED("18446744073709551616")},
    {"main", "control", CONTROL_LONG,
     "'" CONTROL_LONG_BEGIN "…' is too long: the path of a socket has at most 107 bytes"},
    {"main", "metrics", "yes", NO_PLACE("yes")},
    {"main", "metrics", "::1:9469", NO_PLACE("::1:9469")},
    {"main", "polisy", "drop", "unknown key; did you mean 'policy'?"},
    {"main", "mtu", "1500", "is a key of [tun], not of [main]"},
    {"main", "xyzzy", "1", "unknown key: ipmodd.conf(5) lists those of [main]"},
    {"tun", "name", "sixteen-letters-", NO_LINK("sixteen-letters-")},
    {"tun", "name", "tun%d", NO_LINK("tun%d")},
    {"tun", "name", "..", NO_LINK("..")},
    {"tun", "name", "a b", NO_LINK("a b")},
    {"tun", "address", "192.0.2.1/33", NO_PREFIX("192.0.2.1/33")},
    {"tun", "address", "!192.0.2.1", "'!' has no meaning here: name what is meant itself"},
    {"tun", "mtu", "67", "'67' is out of range: an MTU is a number from 68 to 65535"},
    {"tun", "mtu", "1279", "1279 is too small for IPv6: at least 1280, or [divert] family = ipv4"},
    {"tun", "mtu", "15O0", "'15O0' is not an MTU: a number from 68 to 65535 or one of auto"},
    {"tun", "queues", "0", NO_QUEUES("0")},
    {"tun", "queues", "17", NO_QUEUES("17")},
    {"tun", "queues", "auto", "'auto' is not a number of queues: a number from 1 to 16"},
    {"main", "metrics", "127.0.0.1:0", NO_PLACE("127.0.0.1:0")},
    {"tun", "offload", "on", "'on' is not auto or off: off, auto"},
    {"tun", "busy-poll", "0",
     "'0' is out of range: a number of microseconds is a number from 1 to 1000"},
    {"tun", "busy-poll", "1001",
     "'1001' is out of range: a number of microseconds is a number from 1 to 1000"},
    {"tun", "busy-poll", "yes",
     "'yes' is not a number of microseconds: a number from 1 to 1000 or one of auto, off"},
    {"tun", "rps", "8192", NO_CPUS("8192")},
    {"tun", "rps", "0x3", NO_CPUS("0x3")},
    {"tun", "rps", "3-2", NO_CPUS("3-2")},
    {"tun", "rps", "0,", NO_CPUS("0,")},
    {"tun", "rps", "on", NO_CPUS("on")},
    {"tun", "rps", "all,0", NO_CPUS("all,0")},
    {"tun", "merge", "on", "'on' is not a way to merge: exact, relaxed, off"},
    {"divert", "direction", "out, !in", "'!' has no meaning here: name what is meant itself"},
    {"divert", "direction", "inward", "'inward' is not a direction: out, forward, in"},
    {"divert", "interfaces", "a-name-too-long-",
     "'a-name-too-long-' is too long for a device: at "
     "most 15 characters"},
    {"divert", "interfaces", "eth0:1", "'eth0:1' is not a device: a name such as eth0"},
    {"divert", "interfaces", "eth0, ..", "'..' is not a device: a name such as eth0"},
    {"divert", "interfaces", "eth0 eth1", "'eth0 eth1' is not a device: a name such as eth0"},
    {"divert", "interfaces", "lo", "'lo' is never diverted: name other devices"},
    {"divert", "interfaces", "eth0, tun0",
     "tun0 is the tun device itself: name those that lead out"},
    {"divert", "interfaces", "!eth0", "'!' has no meaning here: name what is meant itself"},
    {"divert", "direction", "out,", "the list has an empty item: write items separated by commas"},
    {"divert", "family", "!ipv4", "'!' has no meaning here: name what is meant itself"},
    {"divert", "family", "inet", "'inet' is not a family: ipv4, ipv6"},
    {"divert", "table", "0",
     "'0' is out of range: a routing table is a number from 1 to 4294967295"},
    {"divert", "table", "4294967296",
     "'4294967296' is out of range: a routing table is a number from 1 to 4294967295"},
    {"divert", "table", "253",
     "table 253 is the kernel's own (default, main or local): another one"},
    {"divert", "table", "254",
     "table 254 is the kernel's own (default, main or local): another one"},
    {"divert", "table", "255",
     "table 255 is the kernel's own (default, main or local): another one"},
    {"divert", "priority", "0",
     "'0' is out of range: a rule priority here is a number from 1 to 32765"},
    {"divert", "divert-priority", "32766",
     "'32766' is out of range: a rule priority here is a number from 1 to 32765"},
    {"divert", "divert-priority", "101",
     "101 must be at least 3 above priority = 99: the loop guard and the exclusions stand between "
     "the two"},
    {"divert", "exclude", "192.0.2.0-192.0.2.3", NO_PREFIX("192.0.2.0-192.0.2.3")},
    {"divert", "exclude-uid", "no-such-user-here",
     "no user 'no-such-user-here' on this host: a name, an id or a range of ids"},
    {"divert", "exclude-uid", "4294967295",
     "'4294967295' is out of range: a user id is a number from 0 to 4294967294"},
    {"divert", "exclude-uid", "9-1", "the range '9-1' is inverted: the smaller end comes first"},
    {"divert", "exclude-port", "22", "'22' is not right: tcp/PORT, udp/PORT or udp/PORT-PORT"},
    {"divert", "exclude-port", "sctp/22",
     "'sctp/22' is not right: tcp/PORT, udp/PORT or udp/PORT-PORT"},
    {"divert", "exclude-port", "tcp/65536",
     "'65536' is out of range: a port to exclude is a number from 1 to 65535"},
    {"divert", "exclude-port", "tcp/0",
     "'0' is out of range: a port to exclude is a number from 1 to 65535"},
    {"divert", "mirror", "some", "'some' is not a way to mirror: all, default"},
    {"divert", "on-exit", "close", "'close' is not a state after a crash; did you mean 'closed'?"},
    {"flows", "max", "63",
     "'63' is out of range: a number of flows is a number from 64 to 16777216"},
    {"flows", "nat-mapping", "symmetric",
     "'symmetric' is not known: endpoint-independent, address-dependent or "
     "address-and-port-dependent"},
    {"flows", "nat-filtering", "adress-dependent",
     "'adress-dependent' is not known; did you mean 'address-dependent'?"},
    {"flows", "nat-refuse-after", "0", NO_PAUSE("0")},
    {"flows", "nat-refuse-after", "61s", NO_PAUSE("61s")},
    {"flows", "nat-refuse-after", "never", NO_PAUSE("never")},
    {"flows", "nat-refuse-after", "", "has no value: off, or a time from 1s to 1min"},
    {"flows", "nat-ports", "0", NO_PORTS("0")},
    {"flows", "nat-ports", "65536", NO_PORTS("65536")},
    {"flows", "nat-ports", "none",
     "'none' is not a number of ports: a number from 1 to 65535 or one of unlimited"},
    {"flows", "nat-ports", "", "has no value: unlimited, or a number of ports"},
    {"flows", "nat-flows", "0",
     "'0' is out of range: a number of flows is a number from 1 to 16777216"},
    {"flows", "nat-flows", "", "has no value: unlimited, or a number of flows"},
    {"flows", "udp", "0", NO_TIME("0")},
    {"flows", "udp", "11d", NO_TIME("11d")},
    {"flows", "udp", "5m", NO_TIME("5m")},
    {"flows", "tcp-established", "", "has no value: a time such as 240s, 4min or 2h"},
    {"flows", "tcp-transitory", "-1s", NO_TIME("-1s")},
    {"flows", "icmp", "s", NO_TIME("s")},
    {"flows", "sctp", "1h30min", NO_TIME("1h30min")},
    {"flows", "other", "864001", NO_TIME("864001")},
    {"flows", "ucp", "5min", "unknown key; did you mean 'udp'?"},
    {"divert", "conntrack", "off", "'off' is not a way to track connections: auto, keep"},
    {"divert", "foreign-netfilter", "refus",
     "'refus' is not an answer to rules of others; did you mean 'refuse'?"},
};

static void test_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
        const struct right *right = &rights[i];
        const char *printed = right->printed != NULL ? right->printed : right->value;
        char text[256], header[32];
        char *dump;

        snprintf(header, sizeof(header), "[%s]\n", right->section);
        snprintf(text, sizeof(text), "%s%s = %s\n", header, right->key, right->value);
        dump = fixture_dump(text);
        assert_string_equal(fixture_value(dump, header, right->key), printed);
        free(dump);
    }
}

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
        const struct wrong *wrong = &wrongs[i];
        char text[256], expected[512];

        snprintf(text, sizeof(text), "[%s]\n%s = %s\n", wrong->section, wrong->key, wrong->value);
        snprintf(expected, sizeof(expected), "test.conf:2: [%s] %s: %s", wrong->section, wrong->key,
                 wrong->complaint);
        assert_string_equal(fixture_complaints(text), expected);
    }
}

static bool is_tested(const char *section, const char *key)
{
    bool right = false, wrong = false;

    for (size_t i = 0; i < ARRAY_SIZE(rights); i++)
        right |= strcmp(rights[i].section, section) == 0 && strcmp(rights[i].key, key) == 0;
    for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++)
        wrong |= strcmp(wrongs[i].section, section) == 0 && strcmp(wrongs[i].key, key) == 0;
    return right && wrong;
}

static void test_every_key_is_tested(void **state)
{
    (void)state;
    for (size_t i = 0; i < SETTING_GROUPS; i++) {
        for (size_t j = 0; j < setting_groups[i]->count; j++)
            assert_true(is_tested(setting_groups[i]->section, setting_groups[i]->settings[j].key));
    }
}

static uint32_t flows_of_a_queue(const char *text)
{
    struct problems problems = {.items = NULL};
    struct loaded loaded;
    uint32_t max;

    fixture_write("queues.conf", text);
    assert_int_equal(load_configuration(fixture_path("queues.conf"), &problems, &loaded), 0);
    max = loaded.ruleset->flows.max;
    loaded_clear(&loaded);
    problems_clear(&problems);
    return max;
}

/* Each queue has its part of the flows, and never too few for a table. */
static void test_flows_of_each_queue(void **state)
{
    (void)state;
    assert_int_equal(flows_of_a_queue("[tun]\nqueues = 4\n[flows]\nmax = 1000\n"), 250);
    assert_int_equal(flows_of_a_queue("[tun]\nqueues = 4\n[flows]\nmax = 100\n"), 64);
}

static void test_mtu_of_ipv4_alone(void **state)
{
    (void)state;
    assert_string_equal(fixture_complaints("[tun]\nmtu = 576\n[divert]\nfamily = ipv4\n"), "");
}

static void test_addresses_fit_the_families(void **state)
{
    (void)state;
    assert_string_equal(fixture_complaints("[tun]\naddress = 192.0.2.1/24\n"),
                        "test.conf:2: [tun] address: has no address of ipv6: give one, write "
                        "borrow, or leave the family out of [divert] family");
    assert_string_equal(
        fixture_complaints("[tun]\naddress = 192.0.2.1, 2001:db8::1\n[divert]\nfamily = ipv6\n"),
        "test.conf:2: [tun] address: has an address of a family that [divert] family does not "
        "divert");
    assert_string_equal(
        fixture_complaints("[tun]\naddress = 192.0.2.1/24\n[divert]\nfamily = ipv4\n"), "");
}

/* Several values over files: the line that counts is the one named. */
static void test_place_of_the_effective_value(void **state)
{
    (void)state;
    fixture_write("test.conf.d/a.conf", "[divert]\ndivert-priority = 50\n");
    assert_string_equal(fixture_complaints("[divert]\ndivert-priority = 200\n"),
                        "test.conf.d/a.conf:2: [divert] divert-priority: 50 must be at least 3 "
                        "above priority = 99: the loop guard and the exclusions stand between the "
                        "two");
    fixture_write("test.conf.d/a.conf", "[divert]\nexclude = 192.0.2.1\n");
    assert_string_equal(fixture_complaints("[divert]\nexclude = 198.51.100.1\n"), "");
    fixture_write("test.conf.d/a.conf", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_every_key_is_tested),
        cmocka_unit_test(test_mtu_of_ipv4_alone),
        cmocka_unit_test(test_flows_of_each_queue),
        cmocka_unit_test(test_addresses_fit_the_families),
        cmocka_unit_test(test_place_of_the_effective_value),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
