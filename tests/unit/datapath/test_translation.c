/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translation on the path: there and back again, ports, mappings, filters, errors and prefixes. */
#include "../random.h"
#include "../unit.h"
#include "forge.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/tcp.h"
#include "mapping.h"
#include "path_parts.h"
#include "prefix_map.h"
#include "real_rule.h"
#include "table.h"

#include <netinet/in.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

static struct forged forged, inner, other;
static uint64_t now;

struct fixture {
    struct host_view *view;
    struct ruleset *ruleset;
    struct path *path;
    struct batch *batch;
};

/* This host's addresses, on device 7, by which everything is reached; the second pair on none. */
static const char *const locals[] = {"203.0.113.1", "2001:db8:cafe::1", "203.0.113.9",
                                     "2001:db8:cafe::9"};

static struct host_view *make_view(size_t from)
{
    struct host_source sources[2] = {{.ifindex = 7}, {.ifindex = 7}};
    struct host_route routes[2] = {{.egress = {.ifindex = 7}}, {.egress = {.ifindex = 7}}};
    struct ip_addr addrs[ARRAY_SIZE(locals)];
    struct host_view *view;

    for (size_t i = 0; i < ARRAY_SIZE(locals); i++)
        ip_addr_parse(locals[i], &addrs[i]);
    for (size_t i = 0; i < 2; i++) {
        sources[i].addr = addrs[from + i];
        sources[i].subnet = (struct ip_prefix){addrs[from + i], i == 0 ? 24 : 64};
        ip_prefix_parse(i == 0 ? "0.0.0.0/0" : "::/0", &routes[i].prefix);
    }
    view = host_view_new(addrs + from, 2, NULL, 0, NULL, 0);
    assert_non_null(view);
    assert_int_equal(host_view_set_sources(view, sources, 2), 0);
    assert_int_equal(host_view_set_routes(view, routes, 2), 0);
    return view;
}

static int set_up(void **state)
{
    static struct fixture fixture;

    now = SECOND;
    fixture.view = make_view(0);
    fixture.ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    fixture.path = NULL;
    fixture.batch = batch_new();
    *state = &fixture;
    return fixture.ruleset == NULL || fixture.batch == NULL;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    path_parts_free(fixture->path, fixture->ruleset, fixture->view, fixture->batch);
    return 0;
}

static void start(struct fixture *fixture)
{
    path_free(fixture->path);
    fixture->path = path_new(fixture->ruleset, fixture->view);
    assert_non_null(fixture->path);
}

/* One rule without matches, for both families. */
static void start_with(struct fixture *fixture, const char *key, const char *value4,
                       const char *value6)
{
    real_rule_add(fixture->ruleset, "four", NULL, NULL, key, value4);
    real_rule_add(fixture->ruleset, "six", NULL, NULL, key, value6);
    start(fixture);
}

static const struct packet *run_offloaded(struct fixture *fixture, const struct forged *what,
                                          const struct virtio_net *vnet)
{
    uint8_t *buffer;

    batch_reset(fixture->batch);
    buffer = batch_next_buffer(fixture->batch);
    memcpy(buffer, what->bytes, what->length);
    batch_commit_offloaded(fixture->batch, what->length, vnet);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = now});
    return &fixture->batch->packets[0];
}

static const struct packet *run(struct fixture *fixture, const struct forged *what)
{
    return run_offloaded(fixture, what, &(struct virtio_net){.flags = 0});
}

static size_t address_at(enum ip_family family, bool dst)
{
    if (family == FAMILY_IPV4)
        return dst ? 16 : 12;
    return dst ? 24 : 8;
}

static void set_address(struct forged *what, bool dst, const char *text)
{
    struct ip_addr addr;

    assert_int_equal(ip_addr_parse(text, &addr), 0);
    memcpy(what->bytes + address_at(what->family, dst), addr.bytes, IP_ADDR_BYTES(addr.family));
}

static void assert_address(const uint8_t *bytes, enum ip_family family, bool dst, const char *text)
{
    struct ip_addr addr;

    assert_int_equal(ip_addr_parse(text, &addr), 0);
    assert_memory_equal(bytes + address_at(family, dst), addr.bytes, IP_ADDR_BYTES(family));
}

static void set_port(struct forged *what, bool dst, uint16_t port)
{
    be16_store(what->bytes + what->l4 + (dst ? 2 : 0), port);
}

/* WHAT with its two ends changed over: a sum over it stays. */
static void turn(struct forged *what, bool ports)
{
    size_t size = IP_ADDR_BYTES(what->family);
    uint8_t *src = what->bytes + address_at(what->family, false), old[16];
    uint8_t *l4 = what->bytes + what->l4;

    memcpy(old, src, size);
    memcpy(src, src + size, size);
    memcpy(src + size, old, size);
    if (!ports)
        return;
    memcpy(old, l4, 2);
    memcpy(l4, l4 + 2, 2);
    memcpy(l4 + 2, old, 2);
    if (what->proto == IPPROTO_SCTP)
        forge_seal(what);
}

/* What PACKET has become, as a forged one of the same shape as LIKE. */
static void take(struct forged *what, const struct packet *packet, const struct forged *like)
{
    assert_int_equal(packet->fate, FATE_OUT);
    assert_int_equal(packet->length, like->length);
    what->length = packet->length;
    what->family = like->family;
    what->proto = like->proto;
    what->l4 = like->l4;
    memcpy(what->bytes, packet->data, packet->length);
}

static void forge(struct forged *what, enum ip_family family, uint8_t proto, size_t payload)
{
    forge_ip(what, family, proto);
    if (proto == IPPROTO_TCP)
        forge_tcp(what, TCP_FLAG_SYN, NULL, 0, payload);
    else
        forge_l4(what, payload);
    forge_seal(what);
}

static bool is_right(const struct forged *what)
{
    return checksums_are_right(what->bytes, what->length, what->family, what->proto, what->l4);
}

static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP,
                                 IPPROTO_DCCP};

/* Of every length: what comes back is what went, turned round, to the last bit. */
static void test_there_and_back(void **state)
{
    struct fixture *fixture = *state;

    start_with(fixture, "snat", "203.0.113.7:5555", "[2001:db8:9::7]:5555");
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
            for (size_t payload = 0; payload < 40; payload++) {
                const struct packet *packet;

                forge(&forged, family, protos[i], payload);
                packet = run(fixture, &forged);
                take(&other, packet, &forged);
                assert_true(is_right(&other));
                assert_address(other.bytes, family, false,
                               family == FAMILY_IPV4 ? "203.0.113.7" : "2001:db8:9::7");
                assert_int_equal(be16_load(other.bytes + other.l4), 5555);
                turn(&other, true);
                packet = run(fixture, &other);
                turn(&forged, true);
                assert_int_equal(packet->relation, RELATION_ESTABLISHED);
                assert_memory_equal(packet->data, forged.bytes, forged.length);
            }
        }
    }
}

static void test_identifiers_of_queries(void **state)
{
    struct fixture *fixture = *state;

    start_with(fixture, "snat", "203.0.113.7:5555", "[2001:db8:9::7]:5555");
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        uint8_t proto = family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

        forge_ip(&forged, family, proto);
        forge_icmp(&forged, family == FAMILY_IPV4 ? 8 : 128, 0, 9);
        forge_seal(&forged);
        take(&other, run(fixture, &forged), &forged);
        assert_true(is_right(&other));
        assert_int_equal(be16_load(other.bytes + other.l4 + 4), 5555);
        turn(&other, false);
        other.bytes[other.l4] = family == FAMILY_IPV4 ? 0 : 129;
        forge_seal(&other);
        take(&other, run(fixture, &other), &other);
        assert_true(is_right(&other));
        assert_memory_equal(other.bytes + other.l4 + 4, forged.bytes + forged.l4 + 4, 2);
        assert_address(other.bytes, family, true,
                       family == FAMILY_IPV4 ? "192.0.2.1" : "2001:db8:1::1");
    }
}

static void test_wrong_checksums_and_none(void **state)
{
    struct fixture *fixture = *state;

    start_with(fixture, "snat", "203.0.113.7:5555", "[2001:db8:9::7]:5555");
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        forge(&forged, family, IPPROTO_UDP, 9);
        be16_store(forged.bytes + forged.l4 + 6, 0);
        take(&other, run(fixture, &forged), &forged);
        assert_int_equal(be16_load(other.bytes + other.l4 + 6), 0);
        forge(&forged, family, IPPROTO_UDP, 9);
        forged.bytes[forged.l4 + 6] ^= 0x55;
        take(&other, run(fixture, &forged), &forged);
        assert_false(is_right(&other));
        other.bytes[other.l4 + 6] ^= 0x55;
    }
}

/* A partial checksum is that of the pseudo-header, of super-packets too. */
static void test_partial_checksums(void **state)
{
    static const uint16_t sizes[] = {0, 100};
    struct fixture *fixture = *state;

    start_with(fixture, "snat", "203.0.113.7:5555", "[2001:db8:9::7]:5555");
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
            struct virtio_net vnet;

            forge_ip(&forged, family, IPPROTO_TCP);
            forge_tcp(&forged, TCP_FLAG_ACK, NULL, 0, 950);
            vnet = forge_seal_partial(&forged, sizes[i]);
            take(&other, run_offloaded(fixture, &forged, &vnet), &forged);
            forged = other;
            forge_seal_partial(&forged, sizes[i]);
            assert_memory_equal(other.bytes, forged.bytes, forged.length);
        }
    }
}

/* OUTER: an error to WHERE about the first COUNT bytes of what INNER is. */
static void forge_error(const char *where, const struct forged *about, size_t count)
{
    forge_ip(&forged, about->family, about->family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    set_address(&forged, true, where);
    forge_icmp(&forged, about->family == FAMILY_IPV4 ? ICMP4_UNREACHABLE : ICMP6_UNREACHABLE, 1, 0);
    forge_bytes(&forged, about->bytes, count);
    forge_seal(&forged);
}

/* Whether a quote of COUNT bytes ends within the checksum of ABOUT. */
static bool cuts_checksum(const struct forged *about, size_t count)
{
    size_t place = about->l4 + l4_checksum_place(about->proto);

    return count > place && count < place + (about->proto == IPPROTO_SCTP ? 4 : 2);
}

/* What the client gets quoted is what it sent, cut off anywhere. */
static void test_quotes_of_errors(void **state)
{
    struct fixture *fixture = *state;

    start_with(fixture, "snat", "203.0.113.7:5555", "[2001:db8:9::7]:5555");
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
            forge(&inner, family, protos[i], 21);
            take(&other, run(fixture, &inner), &inner);
            for (size_t count = inner.l4 + 4; count <= inner.length; count++) {
                const struct packet *packet;

                if (cuts_checksum(&inner, count))
                    continue;
                forge_error(family == FAMILY_IPV4 ? "203.0.113.7" : "2001:db8:9::7", &other, count);
                packet = run(fixture, &forged);
                assert_int_equal(packet->relation, RELATION_RELATED);
                forge_error(family == FAMILY_IPV4 ? "192.0.2.1" : "2001:db8:1::1", &inner, count);
                assert_memory_equal(packet->data, forged.bytes, forged.length);
            }
        }
    }
}

/* Options in front and structures behind the quote (RFC 4884) stay what they are. */
static void test_quotes_with_options_and_extensions(void **state)
{
    static const uint8_t router_alert[4] = {0x94, 4, 0, 0}, extension[8] = {0x20, 0, 1, 2, 0, 4};
    struct fixture *fixture = *state;

    start_with(fixture, "snat", "203.0.113.7:5555", "[2001:db8:9::7]:5555");
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        const struct packet *packet;

        forge_ip(&inner, family, IPPROTO_UDP);
        if (family == FAMILY_IPV4)
            forge_ip4_options(&inner, router_alert, sizeof(router_alert));
        else
            forge_extension(&inner, IPPROTO_DSTOPTS, "\1\4\0\0\0\0", 6);
        forge_udp(&inner, 200);
        forge_seal(&inner);
        take(&other, run(fixture, &inner), &inner);
        memcpy(inner.bytes + 128, extension, sizeof(extension));
        memcpy(other.bytes + 128, extension, sizeof(extension));
        forge_error(family == FAMILY_IPV4 ? "203.0.113.7" : "2001:db8:9::7", &other, 136);
        packet = run(fixture, &forged);
        forge_error(family == FAMILY_IPV4 ? "192.0.2.1" : "2001:db8:1::1", &inner, 136);
        assert_memory_equal(packet->data, forged.bytes, forged.length);
    }
}

/* From a router inside, about an answer: it speaks of what is outside, as from there (RFC 5508
 * REQ-5). */
static void test_errors_from_inside(void **state)
{
    struct fixture *fixture = *state;
    const struct packet *packet;

    start_with(fixture, "snat", "203.0.113.7:5555", "[2001:db8:9::7]:5555");
    forge(&forged, FAMILY_IPV4, IPPROTO_UDP, 9);
    take(&other, run(fixture, &forged), &forged);
    turn(&other, true); /* the answer, as outside sent it */
    inner = other;
    take(&other, run(fixture, &other), &inner);
    forge_error("198.51.100.2", &other, 28);
    set_address(&forged, false, "192.0.2.254");
    forge_seal(&forged);
    packet = run(fixture, &forged);
    assert_int_equal(packet->relation, RELATION_RELATED);
    forge_error("198.51.100.2", &inner, 28);
    set_address(&forged, false, "203.0.113.7");
    forge_seal(&forged);
    assert_memory_equal(packet->data, forged.bytes, forged.length);
}

/* UDP from 192.0.2.HOST:SPORT to 198.51.100.TO:80. The port outside; 0: it did not leave. */
static uint16_t port_outside(struct fixture *fixture, const char *from, uint16_t sport,
                             const char *to)
{
    const struct packet *packet;

    forge(&forged, FAMILY_IPV4, IPPROTO_UDP, 9);
    set_address(&forged, false, from);
    set_address(&forged, true, to);
    set_port(&forged, false, sport);
    forge_seal(&forged);
    packet = run(fixture, &forged);
    return packet->fate == FATE_OUT ? packet_sport(packet) : 0;
}

/* RFC 4787 REQ-1, REQ-3, REQ-4. */
static void test_ports_are_kept_or_like_it(void **state)
{
    struct fixture *fixture = *state;

    start_with(fixture, "snat", "203.0.113.7", "2001:db8:9::7");
    assert_int_equal(port_outside(fixture, "192.0.2.1", 4000, "198.51.100.2"), 4000);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 4000, "198.51.100.3"), 4000);
    for (unsigned i = 2; i < 200; i++) {
        char from[16];
        uint16_t even, low;

        snprintf(from, sizeof(from), "192.0.2.%u", i);
        even = port_outside(fixture, from, 4000, "198.51.100.4");
        low = port_outside(fixture, from, 9, "198.51.100.4");
        assert_true(even >= 1024 && even != 4000 && even % 2 == 0);
        assert_true(low >= 1 && low < 1024 && low % 2 == 1);
        assert_int_equal(port_outside(fixture, from, 4000, "198.51.100.5"), even);
    }
}

/* No two clients ever have the same port. */
static void test_ports_are_never_shared(void **state)
{
    static uint8_t users[65536];
    struct fixture *fixture = *state;

    memset(users, 0, sizeof(users));
    start_with(fixture, "snat", "203.0.113.7:20000-29999 random", "2001:db8:9::7");
    for (unsigned i = 1; i <= 6000; i++) {
        char from[16];
        uint16_t port;

        snprintf(from, sizeof(from), "192.0.%u.%u", 2 + i / 250, 1 + i % 250);
        port = port_outside(fixture, from, 7, "198.51.100.2");
        assert_in_range(port, 20000, 29999);
        assert_int_equal(users[port]++, 0);
    }
}

static void test_exhaustion(void **state)
{
    struct fixture *fixture = *state;

    start_with(fixture, "snat", "203.0.113.7:7000-7002", "2001:db8:9::7");
    for (uint16_t i = 0; i < 3; i++)
        assert_in_range(port_outside(fixture, "192.0.2.1", 100 + i, "198.51.100.2"), 7000, 7002);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 200, "198.51.100.2"), 0);
    assert_int_equal(path_counters(fixture->path)->drops[REASON_NAT_EXHAUSTED], 1);
    assert_int_equal(fixture->batch->answer_count, 1);
    assert_int_equal(packet_icmp_type(&fixture->batch->answers[0]), ICMP4_UNREACHABLE);
    assert_int_equal(packet_icmp_code(&fixture->batch->answers[0]), ICMP4_CODE_PROHIBITED);
    /* those that are there go on, to others as well */
    assert_in_range(port_outside(fixture, "192.0.2.1", 100, "198.51.100.3"), 7000, 7002);
    for (unsigned i = 0; i < 1000; i++)
        port_outside(fixture, "192.0.2.1", 200, "198.51.100.2");
    assert_true(path_counters(fixture->path)->generated <= 1 + ANSWER_BURST);
    now += 400 * SECOND;
    assert_in_range(port_outside(fixture, "192.0.2.1", 200, "198.51.100.2"), 7000, 7002);
}

/* Every port of an address is given to somebody before anybody is refused, random or not. */
static void test_no_port_is_left_over(void **state)
{
    static const char *const pools[] = {"203.0.113.7:20000-22999",
                                        "203.0.113.8:20000-22999 random"};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(pools); i++) {
        path_free(fixture->path);
        fixture->path = NULL;
        ruleset_free(fixture->ruleset);
        fixture->ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
        start_with(fixture, "snat", pools[i], "2001:db8:9::7");
        for (uint16_t port = 1; port <= 3000; port++)
            assert_int_not_equal(port_outside(fixture, "192.0.2.1", port, "198.51.100.2"), 0);
        assert_int_equal(port_outside(fixture, "192.0.2.1", 3001, "198.51.100.2"), 0);
        assert_int_equal(path_counters(fixture->path)->drops[REASON_NAT_EXHAUSTED], 1);
    }
}

/* RFC 6888 REQ-4. Each host has its ports, whoever it speaks to, and gets back what it had. */
static void test_limit_of_a_host(void **state)
{
    struct fixture *fixture = *state;

    fixture->ruleset->flows.nat_ports = 3;
    start_with(fixture, "snat", "203.0.113.7-203.0.113.8", "2001:db8:9::7");
    for (uint16_t i = 0; i < 3; i++) {
        assert_int_equal(port_outside(fixture, "192.0.2.1", 2000 + i, "198.51.100.2"), 2000 + i);
        assert_int_equal(port_outside(fixture, "192.0.2.1", 2000 + i, "198.51.100.3"), 2000 + i);
    }
    assert_int_equal(port_outside(fixture, "192.0.2.1", 2003, "198.51.100.2"), 0);
    assert_int_equal(path_counters(fixture->path)->drops[REASON_NAT_LIMIT], 1);
    assert_int_equal(path_counters(fixture->path)->drops[REASON_NAT_EXHAUSTED], 0);
    assert_int_equal(fixture->batch->answer_count, 1);
    assert_int_equal(packet_icmp_code(&fixture->batch->answers[0]), ICMP4_CODE_PROHIBITED);
    assert_int_equal(port_outside(fixture, "192.0.2.2", 2003, "198.51.100.2"), 2003);
    now += 200 * SECOND;
    assert_int_equal(port_outside(fixture, "192.0.2.1", 2001, "198.51.100.2"), 2001);
    now += 200 * SECOND; /* two of the three are over */
    flow_table_sweep(path_flows(fixture->path), SIZE_MAX, now);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 2004, "198.51.100.2"), 2004);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 2005, "198.51.100.2"), 2005);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 2006, "198.51.100.2"), 0);
}

/* What began without a limit is not counted, and one that goes away leaves nothing behind. */
static void test_limit_comes_and_goes(void **state)
{
    struct fixture *fixture = *state;
    struct flow_limits limits;

    start_with(fixture, "snat", "203.0.113.7", "2001:db8:9::7");
    limits = fixture->ruleset->flows;
    assert_int_equal(port_outside(fixture, "192.0.2.1", 2000, "198.51.100.2"), 2000);
    limits.nat_ports = 1;
    flow_table_set_limits(path_flows(fixture->path), &limits);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 2001, "198.51.100.2"), 2001);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 2002, "198.51.100.2"), 0);
    limits.nat_ports = NAT_PORTS_UNLIMITED;
    flow_table_set_limits(path_flows(fixture->path), &limits);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 2002, "198.51.100.2"), 2002);
    flow_table_flush(path_flows(fixture->path), 0, SIZE_MAX, NULL, NULL, now);
    assert_true(mappings_are_none(table_mappings(path_flows(fixture->path))));
}

/* All ports of a host have one address, and others when that is used up; or never. */
static void test_pools_are_paired(void **state)
{
    struct fixture *fixture = *state;
    bool used[4] = {false};

    start_with(fixture, "snat", "203.0.113.4-203.0.113.7:2000-2009", "2001:db8:9::7");
    for (uint16_t i = 0; i < 20; i++) {
        assert_in_range(port_outside(fixture, "192.0.2.1", 100 + i, "198.51.100.2"), 2000, 2009);
        used[fixture->batch->packets[0].data[15] - 4] = true;
        assert_int_equal(used[0] + used[1] + used[2] + used[3], i < 10 ? 1 : 2);
    }
}

static void test_pools(void **state)
{
    struct fixture *fixture = *state;
    bool used[4] = {false};

    start_with(fixture, "snat", "203.0.113.4-203.0.113.7 persistent", "2001:db8:9::7");
    for (unsigned i = 1; i < 60; i++) {
        char from[16];
        uint16_t port = (uint16_t)(2000 + 2 * i);
        uint8_t address;

        snprintf(from, sizeof(from), "192.0.2.%u", i);
        assert_int_equal(port_outside(fixture, from, port, "198.51.100.2"), port);
        address = fixture->batch->packets[0].data[15];
        assert_in_range(address, 4, 7);
        used[address - 4] = true;
        port++;
        assert_int_equal(port_outside(fixture, from, port, "198.51.100.3"), port);
        assert_int_equal(fixture->batch->packets[0].data[15], address);
    }
    assert_true(used[0] && used[1] && used[2] && used[3]);
}

/* RELOAD: a ruleset without rules. The flow goes on as it was. */
static void test_outlives_its_rule(void **state)
{
    struct fixture *fixture = *state;
    struct ruleset *empty = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    struct path_rules *rules;

    start_with(fixture, "snat", "203.0.113.7:5555", "2001:db8:9::7");
    assert_int_equal(port_outside(fixture, "192.0.2.1", 100, "198.51.100.2"), 5555);
    rules = path_rules_new(empty, fixture->ruleset);
    path_exchange_rules(fixture->path, rules);
    path_rules_free(rules);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 100, "198.51.100.2"), 5555);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 101, "198.51.100.2"), 101);
    path_free(fixture->path);
    fixture->path = NULL;
    ruleset_free(empty);
}

static void test_first_rule_and_first_packet_decide(void **state)
{
    struct fixture *fixture = *state;

    real_rule_add(fixture->ruleset, "not-yet", "flow-packets", "1", "verdict", "drop");
    real_rule_add(fixture->ruleset, "first", "flow-packets", "2", "snat", "203.0.113.7:5555");
    real_rule_add(fixture->ruleset, "second", NULL, NULL, "snat", "203.0.113.8:6666");
    start(fixture);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 100, "198.51.100.2"), 0);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 100, "198.51.100.2"), 5555);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 100, "198.51.100.2"), 5555);
}

static void test_both_ends(void **state)
{
    struct fixture *fixture = *state;

    real_rule_add(fixture->ruleset, "to", NULL, NULL, "dnat", "198.51.100.99:8080");
    real_rule_add(fixture->ruleset, "from", NULL, NULL, "snat", "203.0.113.7");
    start(fixture);
    forge(&forged, FAMILY_IPV4, IPPROTO_TCP, 0);
    take(&other, run(fixture, &forged), &forged);
    assert_true(is_right(&other));
    assert_address(other.bytes, FAMILY_IPV4, false, "203.0.113.7");
    assert_address(other.bytes, FAMILY_IPV4, true, "198.51.100.99");
    assert_int_equal(be16_load(other.bytes + other.l4 + 2), 8080);
    turn(&other, true);
    other.bytes[other.l4 + TCP_FLAGS] = TCP_FLAG_SYN | TCP_FLAG_ACK;
    forge_seal(&other);
    take(&other, run(fixture, &other), &other);
    assert_address(other.bytes, FAMILY_IPV4, false, "198.51.100.2");
    assert_address(other.bytes, FAMILY_IPV4, true, "192.0.2.1");
    assert_int_equal(be16_load(other.bytes + other.l4), 80);
}

static void test_what_belongs_to_no_flow_does_not_leak(void **state)
{
    struct fixture *fixture = *state;

    start_with(fixture, "snat", "203.0.113.7", "2001:db8:9::7");
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, TCP_FLAG_RST, NULL, 0, 0);
    forge_seal(&forged);
    assert_int_equal(run(fixture, &forged)->reason, REASON_UNTRANSLATABLE);
}

/* Both parts of a datagram have the same addresses, each way. */
static void test_fragments(void **state)
{
    struct fixture *fixture = *state;

    start_with(fixture, "snat", "203.0.113.7:5555", "[2001:db8:9::7]:5555");
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        const char *outside = family == FAMILY_IPV4 ? "203.0.113.7" : "2001:db8:9::7";
        uint8_t udp[48] = {1234 >> 8, 1234 & 0xff, 0, 80, 0, 96, 0x12, 0x34};

        for (size_t part = 0; part < 2; part++) {
            forge_ip(&forged, family, IPPROTO_UDP);
            forge_fragment(&forged, part * sizeof(udp), part == 0);
            forge_bytes(&forged, udp, sizeof(udp));
            forge_seal_ip(&forged);
            take(&other, run(fixture, &forged), &forged);
            assert_address(other.bytes, family, false, outside);
            if (part == 0)
                assert_int_equal(be16_load(other.bytes + other.length - sizeof(udp)), 5555);
            else
                assert_memory_equal(other.bytes + other.length - sizeof(udp), udp, sizeof(udp));
        }
    }
}

/* UDP from 198.51.100.FROM:PORT to 203.0.113.7:5555. */
static const struct packet *from_outside(struct fixture *fixture, const char *from, uint16_t port)
{
    forge(&forged, FAMILY_IPV4, IPPROTO_UDP, 9);
    set_address(&forged, false, from);
    set_address(&forged, true, "203.0.113.7");
    set_port(&forged, false, port);
    set_port(&forged, true, 5555);
    forge_seal(&forged);
    return run(fixture, &forged);
}

/* RFC 4787 5: who may send to a mapping. */
static void test_filtering(void **state)
{
    struct fixture *fixture = *state;

    for (enum nat_behaviour behaviour = 0; behaviour < NAT_BEHAVIOUR_COUNT; behaviour++) {
        const struct packet *packet;

        fixture->ruleset->flows.nat_filtering = behaviour;
        if (behaviour == 0)
            real_rule_add(fixture->ruleset, "share", "src", "192.0.2.0/24", "snat",
                          "203.0.113.7:5555");
        start(fixture);
        assert_int_equal(port_outside(fixture, "192.0.2.1", 100, "198.51.100.2"), 5555);
        packet = from_outside(fixture, "198.51.100.2", 80);
        assert_int_equal(packet->fate, FATE_OUT);
        packet = from_outside(fixture, "198.51.100.2", 81);
        assert_int_equal(packet->reason, behaviour == NAT_ADDRESS_AND_PORT_DEPENDENT
                                             ? REASON_NAT_FILTERED
                                             : REASON_NONE);
        packet = from_outside(fixture, "198.51.100.3", 80);
        assert_int_equal(packet->reason,
                         behaviour == NAT_ENDPOINT_INDEPENDENT ? REASON_NONE : REASON_NAT_FILTERED);
        if (behaviour != NAT_ENDPOINT_INDEPENDENT)
            continue;
        assert_address(packet->data, FAMILY_IPV4, true, "192.0.2.1");
        assert_int_equal(packet_dport(packet), 100);
        /* and the answer goes out from the mapping */
        take(&other, packet, &forged);
        turn(&other, true);
        take(&other, run(fixture, &other), &other);
        assert_address(other.bytes, FAMILY_IPV4, false, "203.0.113.7");
        assert_int_equal(be16_load(other.bytes + other.l4), 5555);
    }
}

static void test_mapping_behaviour(void **state)
{
    struct fixture *fixture = *state;

    real_rule_add(fixture->ruleset, "share", NULL, NULL, "snat", "203.0.113.7:5000-5999");
    for (enum nat_behaviour behaviour = 0; behaviour < NAT_BEHAVIOUR_COUNT; behaviour++) {
        uint16_t first, again;

        fixture->ruleset->flows.nat_mapping = behaviour;
        start(fixture);
        first = port_outside(fixture, "192.0.2.1", 100, "198.51.100.2");
        again = port_outside(fixture, "192.0.2.1", 100, "198.51.100.3");
        if (behaviour == NAT_ENDPOINT_INDEPENDENT)
            assert_int_equal(again, first);
        else
            assert_int_not_equal(again, first);
    }
}

/* RFC 4787 REQ-9: inside reaches inside by the mapping, and is seen as it is from outside. */
static void test_hairpin(void **state)
{
    struct fixture *fixture = *state;
    uint16_t ours, theirs;

    start_with(fixture, "masquerade", "yes", "yes");
    theirs = port_outside(fixture, "192.0.2.8", 7000, "198.51.100.2");
    ours = port_outside(fixture, "192.0.2.9", 7000, "198.51.100.2");
    assert_int_not_equal(ours, theirs);
    forge(&forged, FAMILY_IPV4, IPPROTO_UDP, 9);
    set_address(&forged, false, "192.0.2.9");
    set_address(&forged, true, "203.0.113.1");
    set_port(&forged, false, 7000);
    set_port(&forged, true, theirs);
    forge_seal(&forged);
    take(&other, run(fixture, &forged), &forged);
    assert_address(other.bytes, FAMILY_IPV4, true, "192.0.2.8");
    assert_address(other.bytes, FAMILY_IPV4, false, "203.0.113.1");
    assert_int_equal(be16_load(other.bytes + other.l4), ours);
    assert_int_equal(be16_load(other.bytes + other.l4 + 2), 7000);
    turn(&other, true);
    take(&inner, run(fixture, &other), &other);
    turn(&forged, true);
    assert_memory_equal(inner.bytes, forged.bytes, forged.length);
}

/* The host has 203.0.113.9 instead of 203.0.113.1. */
static void change_address(struct fixture *fixture)
{
    struct host_view *first = fixture->view;

    fixture->view = make_view(2);
    path_set_host_view(fixture->path, fixture->view);
    host_view_free(first);
    now += SECOND;
}

static void test_masquerade_follows_addresses(void **state)
{
    struct fixture *fixture = *state;

    start_with(fixture, "masquerade", ":6000", "yes");
    assert_int_equal(port_outside(fixture, "192.0.2.1", 100, "198.51.100.2"), 6000);
    assert_address(fixture->batch->packets[0].data, FAMILY_IPV4, false, "203.0.113.1");
    change_address(fixture);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 100, "198.51.100.2"), 6000);
    assert_address(fixture->batch->packets[0].data, FAMILY_IPV4, false, "203.0.113.9");
}

/* Whoever has the address now, what is sent there is not for the inside any more. */
static void test_no_answers_to_an_address_that_is_gone(void **state)
{
    struct fixture *fixture = *state;

    start_with(fixture, "masquerade", "yes", "yes");
    port_outside(fixture, "192.0.2.1", 100, "198.51.100.2");
    take(&other, &fixture->batch->packets[0], &forged);
    turn(&other, true);
    assert_address(run(fixture, &other)->data, FAMILY_IPV4, true, "192.0.2.1");
    change_address(fixture);
    assert_address(run(fixture, &other)->data, FAMILY_IPV4, true, "203.0.113.1");
}

static void test_redirect(void **state)
{
    struct fixture *fixture = *state;

    start_with(fixture, "redirect", ":3128", ":3128");
    forge(&forged, FAMILY_IPV4, IPPROTO_TCP, 0);
    take(&other, run(fixture, &forged), &forged);
    assert_address(other.bytes, FAMILY_IPV4, true, "203.0.113.1");
    assert_int_equal(be16_load(other.bytes + other.l4 + 2), 3128);
    set_address(&forged, false, "203.0.113.1");
    forge_seal(&forged);
    take(&other, run(fixture, &forged), &forged);
    assert_memory_equal(other.bytes, forged.bytes, forged.length);
}

/* A flow of the host takes the ends that a translation has already: it gets another port. */
static void test_ends_that_are_taken(void **state)
{
    struct fixture *fixture = *state;
    uint16_t port;

    real_rule_add(fixture->ruleset, "share", "src", "192.0.2.0/24", "snat", "203.0.113.1");
    start(fixture);
    assert_int_equal(port_outside(fixture, "192.0.2.1", 4000, "198.51.100.2"), 4000);
    port = port_outside(fixture, "203.0.113.1", 4000, "198.51.100.2");
    assert_in_range(port, 1024, 65535);
    assert_int_not_equal(port, 4000);
    assert_int_equal(port_outside(fixture, "203.0.113.1", 4000, "198.51.100.2"), port);
}

static void map(const char *prefix_text, const char *from, const char *to)
{
    struct ip_prefix prefix;
    struct ip_addr addr, expected;

    assert_int_equal(ip_prefix_parse(prefix_text, &prefix), 0);
    assert_int_equal(ip_addr_parse(from, &addr), 0);
    assert_int_equal(prefix_map(&prefix, addr.bytes), to != NULL);
    if (to == NULL)
        return;
    assert_int_equal(ip_addr_parse(to, &expected), 0);
    assert_memory_equal(addr.bytes, expected.bytes, 16);
}

/* The example of RFC 6296 3.1 and back, and what its other sections say. */
static void test_prefixes(void **state)
{
    (void)state;
    map("2001:db8:1::/48", "fd01:203:405:1::1234", "2001:db8:1:d550::1234");
    map("fd01:203:405::/48", "2001:db8:1:d550::1234", "fd01:203:405:1::1234");
    map("2001:db8:1::/48", "fd01:203:405:ffff::1234", NULL);
    map("fd01:203:405::/56", "2001:db8:1:55:ffff:ffff:ffff:ffff", NULL);
    map("198.51.100.0/24", "192.0.2.77", "198.51.100.77");
    map("198.51.100.128/25", "192.0.2.77", "198.51.100.205");
    map("2001:db8:9::/96", "2001:db8:1::1:2:3", "2001:db8:9::2:3");
}

/* There and back is the same for every address, and no checksum ever changes. */
static void test_prefixes_are_neutral(void **state)
{
    struct random random = {.state = 6296};

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct ip_prefix inside = {.addr = {.family = FAMILY_IPV6}}, outside;
        uint8_t address[16], moved[16];
        uint32_t before = 0, after = 0;

        random_fill(&random, inside.addr.bytes, 16);
        inside.len = (uint8_t)(16 + random_below(&random, 49));
        outside = inside;
        random_fill(&random, outside.addr.bytes, 16);
        random_fill(&random, address, 16);
        if (!prefix_map(&inside, address)) /* an address of the inside */
            continue;
        memcpy(moved, address, 16);
        if (!prefix_map(&outside, moved))
            continue;
        for (size_t word = 0; word < 8; word++) {
            before += be16_load(address + 2 * word);
            after += be16_load(moved + 2 * word);
        }
        assert_int_equal(before % 0xffff, after % 0xffff);
        assert_true(prefix_map(&inside, moved));
        assert_memory_equal(moved, address, 16);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_there_and_back),
        TEST(test_identifiers_of_queries),
        TEST(test_wrong_checksums_and_none),
        TEST(test_partial_checksums),
        TEST(test_quotes_of_errors),
        TEST(test_quotes_with_options_and_extensions),
        TEST(test_errors_from_inside),
        TEST(test_ports_are_kept_or_like_it),
        TEST(test_ports_are_never_shared),
        TEST(test_exhaustion),
        TEST(test_no_port_is_left_over),
        TEST(test_limit_of_a_host),
        TEST(test_limit_comes_and_goes),
        TEST(test_pools_are_paired),
        TEST(test_pools),
        TEST(test_outlives_its_rule),
        TEST(test_first_rule_and_first_packet_decide),
        TEST(test_both_ends),
        TEST(test_what_belongs_to_no_flow_does_not_leak),
        TEST(test_fragments),
        TEST(test_filtering),
        TEST(test_mapping_behaviour),
        TEST(test_hairpin),
        TEST(test_masquerade_follows_addresses),
        TEST(test_no_answers_to_an_address_that_is_gone),
        TEST(test_redirect),
        TEST(test_ends_that_are_taken),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_prefixes_are_neutral),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
