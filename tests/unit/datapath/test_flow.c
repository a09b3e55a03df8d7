/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tuples of packets and of what ICMP errors quote, and TCP connections seen from the middle. */
#include "../unit.h"
#include "forge.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/flow.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/tcp.h"
#include "track_flow.h"

#include <netinet/in.h>
#include <string.h>

static struct flow_tuple tuple_of(struct forged *forged, enum flow_kind kind)
{
    const struct packet packet = forged_packet(forged);
    struct flow_tuple tuple;

    assert_int_equal(flow_tuple_of(&packet, &tuple), kind);
    return tuple;
}

static void test_ports(void **state)
{
    static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP,
                                     IPPROTO_DCCP};
    struct forged forged;

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
            struct flow_tuple tuple, turned;

            forge_ip(&forged, family, protos[i]);
            forge_l4(&forged, 20);
            forge_seal(&forged);
            tuple = tuple_of(&forged, FLOW_KIND_PART);
            assert_int_equal(tuple.sport, 1234);
            assert_int_equal(tuple.dport, 80);
            assert_int_equal(tuple.proto, protos[i]);
            assert_int_equal(tuple.family, family);
            turned = flow_tuple_turn(&tuple);
            assert_memory_equal(turned.src, tuple.dst, 16);
            assert_int_equal(turned.sport, 80);
            turned = flow_tuple_turn(&turned);
            assert_true(flow_tuple_equal(&turned, &tuple));
        }
    }
}

static void test_queries_and_their_replies(void **state)
{
    static const struct {
        enum ip_family family;
        uint8_t proto, request, reply;
    } cases[] = {
        {FAMILY_IPV4, IPPROTO_ICMP, 8, 0},
        {FAMILY_IPV4, IPPROTO_ICMP, 13, 14},
        {FAMILY_IPV4, IPPROTO_ICMP, 17, 18},
        {FAMILY_IPV6, IPPROTO_ICMPV6, 128, 129},
    };
    struct forged forged;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct flow_tuple request, reply;

        forge_ip(&forged, cases[i].family, cases[i].proto);
        forge_icmp(&forged, cases[i].request, 0, 16);
        forged.bytes[forged.l4 + 4] = 0x12;
        forged.bytes[forged.l4 + 5] = 0x34;
        forge_seal(&forged);
        request = tuple_of(&forged, FLOW_KIND_PART);
        assert_int_equal(request.sport, 0x1234);
        forged.bytes[forged.l4] = cases[i].reply;
        reply = tuple_of(&forged, FLOW_KIND_ANSWER);
        assert_int_equal(reply.dport, 0x1234);
        assert_int_equal(reply.sport, request.dport);
    }
}

/* Another kind of query with the same identifier is another flow. */
static void test_kinds_of_queries_differ(void **state)
{
    struct flow_tuple echo, timestamp;
    struct forged forged;

    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_ICMP);
    forge_icmp(&forged, 8, 0, 16);
    forge_seal(&forged);
    echo = tuple_of(&forged, FLOW_KIND_PART);
    forged.bytes[forged.l4] = 13;
    timestamp = tuple_of(&forged, FLOW_KIND_PART);
    assert_false(flow_tuple_equal(&echo, &timestamp));
}

static void test_protocols_without_ports(void **state)
{
    struct forged forged;
    struct flow_tuple tuple;

    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_GRE);
    forge_bytes(&forged, "12345678", 8);
    forge_seal(&forged);
    tuple = tuple_of(&forged, FLOW_KIND_PART);
    assert_int_equal(tuple.sport, 0);
    assert_int_equal(tuple.proto, IPPROTO_GRE);
}

static void test_later_fragments_have_none(void **state)
{
    struct flow_tuple tuple;
    struct forged forged;
    struct packet packet;

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        forge_ip(&forged, family, IPPROTO_UDP);
        forge_fragment(&forged, 1480, false);
        forge_bytes(&forged, "12345678", 8);
        forge_seal(&forged);
        packet = forged_packet(&forged);
        assert_int_equal(flow_tuple_of(&packet, &tuple), FLOW_KIND_UNKNOWN);
    }
}

/* OUTER: an error that quotes the first COUNT bytes of INNER. */
static void forge_error(struct forged *outer, const struct forged *inner, uint8_t type,
                        size_t count)
{
    forge_ip(outer, inner->family, inner->family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    forge_icmp(outer, type, 1, 0);
    forge_bytes(outer, inner->bytes, count);
    forge_seal(outer);
}

static uint8_t unreachable(enum ip_family family)
{
    return family == FAMILY_IPV4 ? ICMP4_UNREACHABLE : ICMP6_UNREACHABLE;
}

static void test_errors_have_the_tuple_of_what_they_quote(void **state)
{
    struct forged inner, outer;

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        struct flow_tuple of_packet, of_quote;

        forge_ip(&inner, family, IPPROTO_TCP);
        forge_tcp(&inner, TCP_FLAG_ACK, NULL, 0, 100);
        forge_seal(&inner);
        of_packet = tuple_of(&inner, FLOW_KIND_PART);
        forge_error(&outer, &inner, unreachable(family), inner.length);
        of_quote = tuple_of(&outer, FLOW_KIND_ERROR);
        assert_true(flow_tuple_equal(&of_packet, &of_quote));
    }
}

/* RFC 792 promises eight bytes behind the header; every shorter quote has to be survived. */
static void test_quotes_cut_anywhere(void **state)
{
    struct forged inner, outer;

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        forge_ip(&inner, family, IPPROTO_UDP);
        if (family == FAMILY_IPV6)
            forge_extension(&inner, IPPROTO_DSTOPTS, "\1\4\0\0\0\0", 6);
        forge_udp(&inner, 30);
        forge_seal(&inner);
        for (size_t count = 0; count <= inner.length; count++) {
            struct flow_tuple tuple;
            struct packet packet;

            forge_error(&outer, &inner, unreachable(family), count);
            packet = forged_packet(&outer);
            assert_int_equal(flow_tuple_of(&packet, &tuple),
                             count >= inner.l4 + 4 ? FLOW_KIND_ERROR : FLOW_KIND_UNKNOWN);
        }
    }
}

static void test_quotes_of_other_things(void **state)
{
    struct flow_tuple tuple;
    struct forged inner, outer;
    struct packet packet;

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        forge_ip(&inner, family, IPPROTO_UDP);
        forge_fragment(&inner, 1480, true);
        forge_bytes(&inner, "12345678", 8);
        forge_seal(&inner);
        forge_error(&outer, &inner, unreachable(family), inner.length);
        packet = forged_packet(&outer);
        assert_int_equal(flow_tuple_of(&packet, &tuple), FLOW_KIND_UNKNOWN);
        forge_ip(&inner, family == FAMILY_IPV4 ? FAMILY_IPV6 : FAMILY_IPV4, IPPROTO_UDP);
        forge_udp(&inner, 30);
        forge_seal(&inner);
        inner.family = family;
        forge_error(&outer, &inner, unreachable(family), inner.length);
        packet = forged_packet(&outer);
        assert_int_equal(flow_tuple_of(&packet, &tuple), FLOW_KIND_UNKNOWN);
    }
}

/* One packet of a connection: from the original side or the replying one. */
struct step {
    enum flow_way way;
    uint8_t flags;
    enum flow_tcp_state state;
};

enum { SYN = TCP_FLAG_SYN, ACK = TCP_FLAG_ACK, FIN = TCP_FLAG_FIN, RST = TCP_FLAG_RST };

static struct flow_table *make_table(void)
{
    const struct flow_limits limits = flow_limits_default();

    return flow_table_new(&limits, 1);
}

static struct flow *add_flow(struct flow_table *table, uint8_t proto)
{
    const struct flow_tuple original = {.sport = 1234, .dport = 80, .proto = proto};
    const struct flow_tuple reply = flow_tuple_turn(&original);

    return flow_table_add(table, &original, &reply, 0);
}

static bool follow(struct flow_table *table, struct flow *flow, enum flow_way way, uint8_t flags)
{
    struct forged forged;
    struct packet packet;

    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, flags, NULL, 0, 0);
    forge_seal(&forged);
    packet = forged_packet(&forged);
    return flow_follow(table, flow, way, &packet, 1);
}

static void expect_states(const struct step *steps, size_t count)
{
    struct flow_table *table = make_table();
    struct flow *flow = add_flow(table, IPPROTO_TCP);

    for (size_t i = 0; i < count; i++) {
        assert_true(follow(table, flow, steps[i].way, steps[i].flags));
        assert_string_equal(flow_tcp_state_name(flow_tcp_state_of(flow)),
                            flow_tcp_state_name(steps[i].state));
    }
    flow_table_free(table);
}

static void test_whole_connection(void **state)
{
    static const struct step steps[] = {
        {FLOW_ORIGINAL, SYN, FLOW_TCP_SYN_SENT},
        {FLOW_ORIGINAL, SYN, FLOW_TCP_SYN_SENT}, /* again */
        {FLOW_REPLY, SYN | ACK, FLOW_TCP_SYN_RECV},
        {FLOW_ORIGINAL, ACK, FLOW_TCP_ESTABLISHED},
        {FLOW_REPLY, ACK, FLOW_TCP_ESTABLISHED},
        {FLOW_ORIGINAL, FIN | ACK, FLOW_TCP_FIN_WAIT},
        {FLOW_REPLY, ACK, FLOW_TCP_FIN_WAIT}, /* half closed, and still sending */
        {FLOW_REPLY, FIN | ACK, FLOW_TCP_TIME_WAIT},
        {FLOW_ORIGINAL, ACK, FLOW_TCP_TIME_WAIT},
    };

    (void)state;
    expect_states(steps, ARRAY_SIZE(steps));
}

static void test_simultaneous_open(void **state)
{
    static const struct step steps[] = {
        {FLOW_ORIGINAL, SYN, FLOW_TCP_SYN_SENT},
        {FLOW_REPLY, SYN, FLOW_TCP_SYN_RECV},
        {FLOW_ORIGINAL, SYN | ACK, FLOW_TCP_SYN_RECV},
        {FLOW_REPLY, SYN | ACK, FLOW_TCP_ESTABLISHED},
    };

    (void)state;
    expect_states(steps, ARRAY_SIZE(steps));
}

static void test_connection_that_began_before_us(void **state)
{
    static const struct step steps[] = {
        {FLOW_ORIGINAL, ACK, FLOW_TCP_SYN_RECV},
        {FLOW_REPLY, ACK, FLOW_TCP_ESTABLISHED},
    };

    (void)state;
    expect_states(steps, ARRAY_SIZE(steps));
}

static void test_refused_connection(void **state)
{
    static const struct step steps[] = {
        {FLOW_ORIGINAL, SYN, FLOW_TCP_SYN_SENT},
        {FLOW_REPLY, RST | ACK, FLOW_TCP_CLOSE},
    };

    (void)state;
    expect_states(steps, ARRAY_SIZE(steps));
}

static void test_forged_reset_ends_nothing(void **state)
{
    static const struct step steps[] = {
        {FLOW_ORIGINAL, SYN, FLOW_TCP_SYN_SENT},    {FLOW_REPLY, SYN | ACK, FLOW_TCP_SYN_RECV},
        {FLOW_ORIGINAL, ACK, FLOW_TCP_ESTABLISHED}, {FLOW_REPLY, RST, FLOW_TCP_CLOSE},
        {FLOW_ORIGINAL, ACK, FLOW_TCP_ESTABLISHED},
    };

    (void)state;
    expect_states(steps, ARRAY_SIZE(steps));
}

static void test_tuples_of_a_closed_connection_are_used_again(void **state)
{
    struct flow_table *table = make_table();
    struct flow *flow = add_flow(table, IPPROTO_TCP);
    uint64_t packets;

    (void)state;
    follow(table, flow, FLOW_ORIGINAL, SYN);
    follow(table, flow, FLOW_REPLY, SYN | ACK);
    follow(table, flow, FLOW_ORIGINAL, FIN | ACK);
    follow(table, flow, FLOW_REPLY, FIN | ACK);
    packets = flow->packets[FLOW_ORIGINAL];
    assert_false(follow(table, flow, FLOW_ORIGINAL, SYN));
    assert_int_equal(flow->packets[FLOW_ORIGINAL], packets);
    assert_true(follow(table, flow, FLOW_ORIGINAL, ACK));
    flow_table_free(table);
}

static void test_counts_packets_of_the_wire(void **state)
{
    struct flow_table *table = make_table();
    struct flow *flow = add_flow(table, IPPROTO_UDP);
    struct forged forged;
    struct packet packet;

    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_UDP);
    forge_udp(&forged, 3000);
    forge_seal(&forged);
    packet = forged_packet(&forged);
    packet.segments = 3;
    assert_true(flow_follow(table, flow, FLOW_REPLY, &packet, 5));
    assert_int_equal(flow->packets[FLOW_REPLY], 3);
    assert_int_equal(flow->bytes[FLOW_REPLY], packet_wire_bytes(&packet));
    assert_int_equal(flow->seen_ns, 5);
    assert_true(flow_is_answered(flow));
    flow_table_free(table);
}

/* What a packet of FORGED is to TABLE. */
static enum relation relation_of(struct flow_table *table, struct forged *forged)
{
    struct packet packet;

    forge_seal(forged);
    packet = forged_packet(forged);
    track_flow(&(struct tracking){.table = table, .now_ns = 1}, &packet);
    return packet.relation;
}

/* An unparsed packet between the two hosts of forge_ip(), BACK from the second one. */
static void forge_way(struct forged *forged, enum ip_family family, uint8_t proto, bool back)
{
    size_t size = IP_ADDR_BYTES(family), at = family == FAMILY_IPV4 ? 12 : 8;
    uint8_t src[16];

    forge_ip(forged, family, proto);
    if (!back)
        return;
    memcpy(src, forged->bytes + at, size);
    memcpy(forged->bytes + at, forged->bytes + at + size, size);
    memcpy(forged->bytes + at + size, src, size);
}

static void swap_ports(struct forged *forged)
{
    uint8_t *l4 = forged->bytes + forged->l4, sport[2] = {l4[0], l4[1]};

    memcpy(l4, l4 + 2, 2);
    memcpy(l4 + 2, sport, 2);
}

static void test_new_and_established(void **state)
{
    struct forged forged;

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        struct flow_table *table = make_table();

        for (int i = 0; i < 2; i++) {
            forge_way(&forged, family, IPPROTO_UDP, false);
            forge_udp(&forged, 20);
            assert_int_equal(relation_of(table, &forged), RELATION_NEW);
        }
        forge_way(&forged, family, IPPROTO_UDP, true);
        forge_udp(&forged, 20);
        swap_ports(&forged);
        assert_int_equal(relation_of(table, &forged), RELATION_ESTABLISHED);
        forge_way(&forged, family, IPPROTO_UDP, false);
        forge_udp(&forged, 20);
        assert_int_equal(relation_of(table, &forged), RELATION_ESTABLISHED);
        assert_int_equal(flow_table_count(table), 1);
        flow_table_free(table);
    }
}

static void test_errors_are_related_to_what_they_quote(void **state)
{
    struct forged forged, error;

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        struct flow_table *table = make_table();

        forge_ip(&forged, family, IPPROTO_UDP);
        forge_udp(&forged, 20);
        forge_seal(&forged);
        forge_error(&error, &forged, unreachable(family), forged.length);
        assert_int_equal(relation_of(table, &error), RELATION_INVALID);
        assert_int_equal(relation_of(table, &forged), RELATION_NEW);
        assert_int_equal(relation_of(table, &error), RELATION_RELATED);
        assert_int_equal(relation_of(table, &forged), RELATION_NEW);
        assert_int_equal(flow_table_count(table), 1);
        flow_table_free(table);
    }
}

static void test_what_begins_no_flow(void **state)
{
    static const uint8_t flags[] = {SYN | ACK, RST, RST | ACK};
    struct flow_table *table = make_table();
    struct forged forged;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
        forge_tcp(&forged, flags[i], NULL, 0, 0);
        assert_int_equal(relation_of(table, &forged), RELATION_INVALID);
    }
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_ICMP);
    forge_icmp(&forged, ICMP4_ECHO_REPLY, 0, 16);
    assert_int_equal(relation_of(table, &forged), RELATION_INVALID);
    assert_int_equal(flow_table_count(table), 0);
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, ACK, NULL, 0, 0);
    assert_int_equal(relation_of(table, &forged), RELATION_NEW);
    flow_table_free(table);
}

static void test_ports_of_a_closed_connection_begin_another(void **state)
{
    static const uint8_t life[] = {SYN, SYN | ACK, ACK, FIN | ACK, FIN | ACK};
    struct flow_table *table = make_table();
    struct forged forged;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(life); i++) {
        bool back = i == 1 || i == 4;

        forge_way(&forged, FAMILY_IPV4, IPPROTO_TCP, back);
        forge_tcp(&forged, life[i], NULL, 0, 0);
        if (back)
            swap_ports(&forged);
        assert_int_equal(relation_of(table, &forged), i == 0 ? RELATION_NEW : RELATION_ESTABLISHED);
    }
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, SYN, NULL, 0, 0);
    assert_int_equal(relation_of(table, &forged), RELATION_NEW);
    assert_int_equal(flow_table_count(table), 1);
    assert_int_equal(flow_table_counters(table)->added, 2);
    flow_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_queries_and_their_replies),
        cmocka_unit_test(test_kinds_of_queries_differ),
        cmocka_unit_test(test_protocols_without_ports),
        cmocka_unit_test(test_later_fragments_have_none),
        cmocka_unit_test(test_errors_have_the_tuple_of_what_they_quote),
        cmocka_unit_test(test_quotes_cut_anywhere),
        cmocka_unit_test(test_quotes_of_other_things),
        cmocka_unit_test(test_whole_connection),
        cmocka_unit_test(test_simultaneous_open),
        cmocka_unit_test(test_connection_that_began_before_us),
        cmocka_unit_test(test_refused_connection),
        cmocka_unit_test(test_forged_reset_ends_nothing),
        cmocka_unit_test(test_tuples_of_a_closed_connection_are_used_again),
        cmocka_unit_test(test_counts_packets_of_the_wire),
        cmocka_unit_test(test_new_and_established),
        cmocka_unit_test(test_errors_are_related_to_what_they_quote),
        cmocka_unit_test(test_what_begins_no_flow),
        cmocka_unit_test(test_ports_of_a_closed_connection_begin_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
