/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matches on parsed packets: for which they hold, by the list rule, fragments included. */
#include "../../unit.h"
#include "../forge.h"

#include "ipmodd/datapath/match.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static struct forged forged;

/* The bits of packet_tcp_flags(). */
enum {
    FIN = 1,
    SYN = 2,
    RST = 4,
    PSH = 8,
    ACK = 16,
    CWR = 128,
};

/* Whether KEY = VALUE holds for PACKET. The rule's family is the packet's, so numbers are allowed.
 */
static bool holds(const char *key, const char *value, const struct packet *packet)
{
    const struct match_type *type = match_type_find(key);
    struct scope scope = scope_all();
    struct value_error error;
    void *parsed;
    bool result;

    assert_non_null(type);
    scope_keep_families(&scope, 1u << packet->family);
    if (type->parse(value, &scope, &parsed, &error) < 0)
        fail_msg("%s = %s: %s", key, value, error.text);
    result = type->test(parsed, &(struct match_context){.state = NULL}, packet);
    type->free(parsed);
    return result;
}

/* Every packet that the test accepts lies in the scope that narrow() leaves. */
static void assert_scope(const char *key, const char *value, const struct packet *packet)
{
    const struct match_type *type = match_type_find(key);
    struct scope scope = scope_all();
    struct value_error error;
    void *parsed;

    scope_keep_families(&scope, 1u << packet->family);
    assert_int_equal(type->parse(value, &scope, &parsed, &error), 0);
    if (type->narrow != NULL)
        type->narrow(parsed, &scope);
    assert_true(scope_has(&scope, packet->family, packet->proto));
    type->free(parsed);
}

static void assert_holds(const char *key, const char *value, const struct packet *packet)
{
    assert_true(holds(key, value, packet));
    assert_scope(key, value, packet);
}

static void assert_not(const char *key, const char *value, const struct packet *packet)
{
    assert_false(holds(key, value, packet));
}

static struct packet make(enum ip_family family, uint8_t proto)
{
    forge_ip(&forged, family, proto);
    forge_l4(&forged, 20);
    forge_seal(&forged);
    return forged_packet(&forged);
}

static struct packet make_tcp(uint8_t flags)
{
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, flags, NULL, 0, 0);
    forge_seal(&forged);
    return forged_packet(&forged);
}

static struct packet make_icmp(enum ip_family family, uint8_t type, uint8_t code)
{
    forge_ip(&forged, family, family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    forge_icmp(&forged, type, code, 16);
    forge_seal(&forged);
    return forged_packet(&forged);
}

static struct packet make_fragment(enum ip_family family, size_t offset, bool more)
{
    forge_ip(&forged, family, IPPROTO_UDP);
    forge_fragment(&forged, offset, more);
    if (offset == 0)
        forge_udp(&forged, 32);
    else
        forge_bytes(&forged, (const uint8_t[40]){4, 210, 0, 80}, 40);
    forge_seal_ip(&forged);
    return forged_packet(&forged);
}

static void test_direction(void **state)
{
    struct packet packet = make(FAMILY_IPV4, IPPROTO_UDP);

    (void)state;
    packet.direction = DIRECTION_FORWARD;
    assert_holds("direction", "forward", &packet);
    assert_holds("direction", "out, forward", &packet);
    assert_holds("direction", "!out", &packet);
    assert_not("direction", "out", &packet);
    assert_not("direction", "in", &packet);
    packet.direction = DIRECTION_IN;
    assert_holds("direction", "in", &packet);
    assert_not("direction", "out, forward", &packet);
}

static void test_family(void **state)
{
    struct packet packet = make(FAMILY_IPV6, IPPROTO_UDP);

    (void)state;
    assert_holds("family", "ipv6", &packet);
    assert_holds("family", "!ipv4", &packet);
    assert_not("family", "ipv4", &packet);
}

static void test_proto(void **state)
{
    struct packet packet = make(FAMILY_IPV4, IPPROTO_UDP);

    (void)state;
    assert_holds("proto", "udp", &packet);
    assert_holds("proto", "tcp, 17", &packet);
    assert_holds("proto", "16-18, !16", &packet);
    assert_holds("proto", "!icmp", &packet);
    assert_not("proto", "!udp", &packet);
    assert_not("proto", "tcp, !udp", &packet);
    packet = make_icmp(FAMILY_IPV4, 8, 0);
    assert_holds("proto", "icmp", &packet);
    assert_holds("proto", "1", &packet);
    assert_not("proto", "icmpv6", &packet);
    assert_not("proto", "!icmp", &packet);
    packet = make_icmp(FAMILY_IPV6, 128, 0);
    assert_holds("proto", "icmp", &packet);
    assert_holds("proto", "icmpv6", &packet);
    assert_not("proto", "1", &packet);
    assert_not("proto", "!icmp", &packet);
}

/* Forged packets go from 192.0.2.1 to 198.51.100.2. */
static void test_addresses(void **state)
{
    struct packet packet = make(FAMILY_IPV4, IPPROTO_UDP);

    (void)state;
    assert_holds("src", "192.0.2.1", &packet);
    assert_holds("src", "192.0.2.0/24", &packet);
    assert_holds("src", "192.0.2.77/24", &packet);
    assert_holds("src", "0.0.0.0/0", &packet);
    assert_holds("src", "192.0.1.255-192.0.2.1", &packet);
    assert_not("src", "192.0.2.2-192.0.2.255", &packet);
    assert_not("src", "192.0.2.0/24, !192.0.2.1", &packet);
    assert_holds("src", "192.0.2.0/24, !192.0.2.2", &packet);
    assert_not("src", "198.51.100.2", &packet);
    assert_holds("dst", "198.51.100.2", &packet);
    assert_not("dst", "192.0.2.1", &packet);
    assert_holds("dst", "2001:db8::/32, 198.51.100.0/24", &packet);
    assert_not("dst", "2001:db8::/32", &packet);
    /* A list of one family says nothing about the other. */
    assert_not("dst", "!2001:db8::/32", &packet);
    assert_holds("dst", "198.51.100.0/24, !2001:db8::1", &packet);
    assert_not("dst", "2001:db8::/32, !192.0.2.7", &packet);
}

static void test_addresses_ipv6(void **state)
{
    struct packet packet = make(FAMILY_IPV6, IPPROTO_TCP);

    (void)state;
    assert_holds("src", "2001:db8:1::1", &packet);
    assert_holds("src", "2001:db8:1::/47", &packet);
    assert_not("src", "2001:db8:2::/47", &packet);
    assert_holds("dst", "2001:db8:2::1-2001:db8:2::3", &packet);
    assert_not("dst", "2001:db8:2::3-2001:db8:2::4", &packet);
    assert_not("dst", "::/0, !2001:db8:2::/48", &packet);
    assert_not("src", "0.0.0.0/0", &packet);
}

static void test_host_is_either(void **state)
{
    struct packet packet = make(FAMILY_IPV4, IPPROTO_UDP);

    (void)state;
    assert_holds("host", "192.0.2.1", &packet);
    assert_holds("host", "198.51.100.2", &packet);
    assert_not("host", "203.0.113.1", &packet);
    assert_not("host", "!192.0.2.1", &packet);
    assert_not("host", "!198.51.100.2", &packet);
    assert_not("host", "192.0.2.1, !198.51.100.2", &packet);
    assert_holds("host", "!203.0.113.1", &packet);
}

/* Forged packets go from port 1234 to 80. */
static void test_ports(void **state)
{
    static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP,
                                     IPPROTO_DCCP};

    (void)state;
    for (size_t i = 0; i < sizeof(protos); i++) {
        struct packet packet = make(i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6, protos[i]);

        assert_holds("sport", "1234", &packet);
        assert_not("sport", "80", &packet);
        assert_holds("dport", "79-81", &packet);
        assert_not("dport", "79-81, !80", &packet);
        assert_holds("dport", "!443", &packet);
        assert_not("dport", "!80", &packet);
        assert_holds("port", "80", &packet);
        assert_holds("port", "1234", &packet);
        assert_not("port", "443", &packet);
        assert_not("port", "!1234", &packet);
        assert_not("port", "!80", &packet);
    }
}

static void test_what_has_no_ports(void **state)
{
    struct packet packet = make_icmp(FAMILY_IPV4, 8, 0);

    (void)state;
    assert_not("dport", "0-65535", &packet);
    assert_not("dport", "!80", &packet);
    packet = make(FAMILY_IPV6, IPPROTO_GRE);
    assert_not("port", "0-65535", &packet);
    assert_not("sport", "!80", &packet);
}

static void test_fragments(void **state)
{
    (void)state;
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        struct packet packet = make_fragment(family, 0, true);

        assert_holds("fragment", "yes", &packet);
        assert_holds("fragment", "first", &packet);
        assert_not("fragment", "later", &packet);
        assert_not("fragment", "no", &packet);
        assert_holds("dport", "80", &packet);
        packet = make_fragment(family, 40, false);
        assert_holds("fragment", "yes", &packet);
        assert_holds("fragment", "later", &packet);
        assert_holds("fragment", "!first", &packet);
        assert_not("fragment", "no", &packet);
        assert_holds("proto", "udp", &packet);
        packet = make(family, IPPROTO_UDP);
        assert_holds("fragment", "no", &packet);
        assert_holds("fragment", "!yes", &packet);
        assert_not("fragment", "first, later", &packet);
    }
}

/* The data of a later fragment looks like the ports 1234 and 80 here. */
static void test_no_port_in_later_fragments(void **state)
{
    static const char *const keys[] = {"sport", "dport", "port"};

    (void)state;
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        struct packet packet = make_fragment(family, 40, true);

        for (size_t i = 0; i < 3; i++) {
            assert_not(keys[i], "0-65535", &packet);
            assert_not(keys[i], "1234, 80", &packet);
            assert_not(keys[i], "!443", &packet);
        }
    }
}

static void test_tcp_flags(void **state)
{
    struct packet packet = make_tcp(SYN);

    (void)state;
    assert_holds("tcp-flags", "syn", &packet);
    assert_holds("tcp-flags", "syn, !ack", &packet);
    assert_holds("tcp-flags", "fin, rst, syn", &packet);
    assert_not("tcp-flags", "syn+ack", &packet);
    assert_not("tcp-flags", "ack", &packet);
    assert_not("tcp-flags", "none", &packet);
    packet = make_tcp(SYN | ACK | CWR);
    assert_holds("tcp-flags", "syn+ack", &packet);
    assert_holds("tcp-flags", "cwr", &packet);
    assert_not("tcp-flags", "syn, !ack", &packet);
    assert_not("tcp-flags", "!syn+ack", &packet);
    packet = make_tcp(0);
    assert_holds("tcp-flags", "none", &packet);
    assert_holds("tcp-flags", "!syn", &packet);
    assert_not("tcp-flags", "!none", &packet);
    packet = make_tcp(FIN | RST | PSH);
    assert_holds("tcp-flags", "fin+psh, ack", &packet);
    packet = make(FAMILY_IPV4, IPPROTO_UDP);
    assert_not("tcp-flags", "!syn", &packet);
    assert_not("tcp-flags", "none", &packet);
}

static void test_icmp_type(void **state)
{
    struct packet packet = make_icmp(FAMILY_IPV4, 8, 0);

    (void)state;
    assert_holds("icmp-type", "echo-request", &packet);
    assert_holds("icmp-type", "8", &packet);
    assert_holds("icmp-type", "0-10, !3", &packet);
    assert_not("icmp-type", "!ping", &packet);
    assert_holds("icmp-type", "!echo-reply", &packet);
    /* ICMPv6 alone has this name, so the list says nothing about ICMP. */
    assert_not("icmp-type", "!packet-too-big", &packet);
    packet = make_icmp(FAMILY_IPV6, 128, 0);
    assert_holds("icmp-type", "echo-request", &packet);
    assert_holds("icmp-type", "128", &packet);
    assert_not("icmp-type", "8", &packet);
    packet = make_icmp(FAMILY_IPV6, 2, 0);
    assert_holds("icmp-type", "packet-too-big", &packet);
    packet = make_icmp(FAMILY_IPV4, 5, 0);
    assert_holds("icmp-type", "redirect", &packet);
    packet = make_icmp(FAMILY_IPV6, 5, 0);
    assert_not("icmp-type", "redirect", &packet);
    packet = make(FAMILY_IPV4, IPPROTO_TCP);
    assert_not("icmp-type", "!echo-request", &packet);
}

static void test_icmp_code(void **state)
{
    struct packet packet = make_icmp(FAMILY_IPV4, 3, 3);

    (void)state;
    assert_holds("icmp-code", "port-unreachable", &packet);
    assert_holds("icmp-code", "3", &packet);
    assert_not("icmp-code", "host-unreachable", &packet);
    packet = make_icmp(FAMILY_IPV6, 1, 4);
    assert_holds("icmp-code", "port-unreachable", &packet);
    assert_not("icmp-code", "3", &packet);
    /* The name says the type too: an echo request has code 0 like net-unreachable. */
    packet = make_icmp(FAMILY_IPV4, 8, 0);
    assert_not("icmp-code", "net-unreachable", &packet);
    assert_holds("icmp-code", "0", &packet);
    assert_holds("icmp-code", "!net-unreachable", &packet);
}

/* Protocol 58 in IPv4 is no ICMPv6, and 1 in IPv6 no ICMP. */
static void test_icmp_of_the_other_family(void **state)
{
    struct packet packet = make(FAMILY_IPV4, IPPROTO_ICMPV6);

    (void)state;
    assert_not("icmp-type", "echo-request", &packet);
    assert_not("icmp-type", "0-255", &packet);
    assert_not("proto", "icmp", &packet);
    assert_holds("proto", "58", &packet);
}

static void test_header_fields(void **state)
{
    struct packet packet;

    (void)state;
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        packet = make(family, IPPROTO_UDP);
        assert_holds("ttl", "64", &packet);
        assert_not("ttl", "1-63, 65-255", &packet);
        assert_holds("dscp", "cs0", &packet);
        assert_holds("ecn", "not-ect", &packet);
        assert_not("ecn", "!not-ect", &packet);
        if (family == FAMILY_IPV4) {
            packet.data[1] = 46 << 2 | 3;
        } else {
            packet.data[0] = 0x60 | 46 >> 2;
            packet.data[1] = (46 & 3) << 6 | 3 << 4;
        }
        assert_holds("dscp", "ef", &packet);
        assert_holds("dscp", "40-50, !44", &packet);
        assert_not("dscp", "af11, cs6", &packet);
        assert_holds("ecn", "ce", &packet);
        assert_not("ecn", "ect0, ect1", &packet);
    }
}

static void test_length(void **state)
{
    struct packet packet = make(FAMILY_IPV4, IPPROTO_UDP);

    (void)state;
    assert_int_equal(packet.length, 48);
    assert_holds("length", "48", &packet);
    assert_not("length", "20-47, 49-65535", &packet);
    packet = make(FAMILY_IPV6, IPPROTO_UDP);
    assert_holds("length", "68", &packet);
}

static void test_ip4_fields(void **state)
{
    struct packet packet = make(FAMILY_IPV4, IPPROTO_UDP);

    (void)state;
    assert_holds("df", "no", &packet);
    assert_not("df", "yes", &packet);
    packet.data[6] |= 0x40;
    assert_holds("df", "yes", &packet);
    assert_not("df", "!yes", &packet);
    assert_holds("ip-id", "4660", &packet);
    assert_holds("ip-id", "4000-5000, !4661", &packet);
    assert_not("ip-id", "0, 65535", &packet);
    packet = make(FAMILY_IPV6, IPPROTO_UDP);
    assert_not("df", "yes, no", &packet);
    assert_not("ip-id", "0-65535", &packet);
}

static void test_flow_label(void **state)
{
    struct packet packet = make(FAMILY_IPV6, IPPROTO_UDP);

    (void)state;
    packet.data[1] = 0xf7; /* the upper half belongs to the traffic class */
    assert_holds("flow-label", "463412", &packet);
    assert_not("flow-label", "!463412", &packet);
    assert_not("flow-label", "0-463411", &packet);
    packet = make(FAMILY_IPV4, IPPROTO_UDP);
    assert_not("flow-label", "0-1048575", &packet);
}

/* Padding, router alert, padding, end, and what is behind the end. */
static void test_ip_option(void **state)
{
    static const uint8_t options[] = {1, 148, 4, 0, 0, 0, 7, 3};
    struct packet packet = make(FAMILY_IPV4, IPPROTO_UDP);

    (void)state;
    assert_not("ip-option", "any", &packet);
    assert_holds("ip-option", "!any", &packet);
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_UDP);
    forge_ip4_options(&forged, options, sizeof(options));
    forge_l4(&forged, 20);
    forge_seal(&forged);
    packet = forged_packet(&forged);
    assert_holds("ip-option", "any", &packet);
    assert_holds("ip-option", "lsrr, router-alert", &packet);
    assert_holds("ip-option", "any, !lsrr, !ssrr", &packet);
    assert_holds("ip-option", "128-200", &packet);
    assert_holds("ip-option", "148", &packet);
    assert_not("ip-option", "rr", &packet);
    assert_not("ip-option", "2-147, 149-255", &packet);
    assert_not("ip-option", "any, !router-alert", &packet);
    assert_not("ip-option", "!any", &packet);
    packet = make(FAMILY_IPV6, IPPROTO_UDP);
    assert_not("ip-option", "!any", &packet);
}

static void test_ext_header(void **state)
{
    static const uint8_t body[14] = {1, 12};
    struct packet packet = make(FAMILY_IPV6, IPPROTO_UDP);

    (void)state;
    assert_not("ext-header", "any", &packet);
    assert_holds("ext-header", "!any", &packet);
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_UDP);
    forge_extension(&forged, IPPROTO_HOPOPTS, body, 6);
    forge_extension(&forged, IPPROTO_AH, body, 10);
    forge_extension(&forged, IPPROTO_DSTOPTS, body, 14);
    forge_udp(&forged, 3);
    forge_seal(&forged);
    packet = forged_packet(&forged);
    assert_holds("ext-header", "any", &packet);
    assert_holds("ext-header", "hop-by-hop", &packet);
    assert_holds("ext-header", "ah", &packet);
    assert_holds("ext-header", "destination", &packet);
    assert_holds("ext-header", "!routing", &packet);
    assert_not("ext-header", "routing, fragment", &packet);
    assert_not("ext-header", "any, !ah", &packet);
    packet = make_fragment(FAMILY_IPV6, 40, true);
    assert_holds("ext-header", "fragment", &packet);
    assert_not("ext-header", "any, !fragment", &packet);
    packet = make(FAMILY_IPV4, IPPROTO_UDP);
    assert_not("ext-header", "!any", &packet);
}

static void test_tcp_fields(void **state)
{
    static const uint8_t options[] = {1, 2, 4, 5, 180, 4, 2, 0};

    (void)state;
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        struct packet packet;

        forge_ip(&forged, family, IPPROTO_TCP);
        forge_tcp(&forged, SYN, options, sizeof(options), 0);
        forge_seal(&forged);
        packet = forged_packet(&forged);
        assert_holds("tcp-option", "any", &packet);
        assert_holds("tcp-option", "sack-permitted, timestamps", &packet);
        assert_holds("tcp-option", "mss, !timestamps", &packet);
        assert_not("tcp-option", "mss, !sack-permitted", &packet);
        assert_not("tcp-option", "5-255", &packet);
        assert_holds("mss", "1460", &packet);
        assert_holds("mss", "1401-65535", &packet);
        assert_not("mss", "!1460", &packet);
        assert_holds("window", "4096", &packet);
        assert_not("window", "0-4095, 4097-65535", &packet);
        forged.bytes[forged.l4 + 13] = ACK; /* not a SYN: what looks like an MSS is none */
        packet = forged_packet(&forged);
        assert_not("mss", "0-65535", &packet);
        packet = make(family, IPPROTO_UDP);
        assert_not("tcp-option", "!any", &packet);
        assert_not("mss", "0-65535", &packet);
        assert_not("window", "0-65535", &packet);
    }
}

/* Forged payloads are 0, 1, 2 … 19. */
static void test_payload(void **state)
{
    static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_GRE};

    (void)state;
    for (size_t i = 0; i < sizeof(protos); i++) {
        struct packet packet = make(i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6, protos[i]);

        assert_holds("payload", "0x00", &packet);
        assert_holds("payload", "0x0d0e0f", &packet);
        assert_holds("payload", "\"\\t\\n\\x0b\"", &packet);
        assert_holds("payload", "0x0001 @ 0", &packet);
        assert_holds("payload", "0x1213 @ 18", &packet);
        assert_not("payload", "0x1213 @ 17", &packet);
        assert_not("payload", "0x13 @ 20", &packet);
        assert_not("payload", "0x1314 @ 19", &packet);
        assert_not("payload", "0x13 @ 65535", &packet);
        assert_not("payload", "0x131415", &packet);
        assert_not("payload", "\"GET\"", &packet);
        assert_holds("payload", "!\"GET\"", &packet);
        assert_not("payload", "!0x0102", &packet);
        assert_holds("payload", "!0x0102 @ 0", &packet);
    }
}

static void test_payload_of_fragments(void **state)
{
    struct packet packet = make_fragment(FAMILY_IPV4, 0, true);

    (void)state;
    assert_holds("payload", "0x000102 @ 0", &packet);
    packet = make_fragment(FAMILY_IPV6, 40, false);
    assert_not("payload", "0x00", &packet);
    assert_not("payload", "!\"nothing like it\"", &packet);
}

/* A name that two keys share would hide one; a record without a function would crash. */
static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < match_type_count; i++) {
        const struct match_type *type = match_types[i];

        assert_ptr_equal(match_type_find(type->key), type);
        assert_non_null(type->grammar);
        assert_non_null(type->parse);
        assert_non_null(type->free);
        assert_non_null(type->test);
        assert_non_null(type->print);
        assert_true(type->reads != 0 || type->varies);
    }
    assert_null(match_type_find("verdict"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direction),
        cmocka_unit_test(test_family),
        cmocka_unit_test(test_proto),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_addresses_ipv6),
        cmocka_unit_test(test_host_is_either),
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_what_has_no_ports),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_no_port_in_later_fragments),
        cmocka_unit_test(test_tcp_flags),
        cmocka_unit_test(test_icmp_type),
        cmocka_unit_test(test_icmp_code),
        cmocka_unit_test(test_icmp_of_the_other_family),
        cmocka_unit_test(test_header_fields),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_ip4_fields),
        cmocka_unit_test(test_flow_label),
        cmocka_unit_test(test_ip_option),
        cmocka_unit_test(test_ext_header),
        cmocka_unit_test(test_tcp_fields),
        cmocka_unit_test(test_payload),
        cmocka_unit_test(test_payload_of_fragments),
        cmocka_unit_test(test_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
