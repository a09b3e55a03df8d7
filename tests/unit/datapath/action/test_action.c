/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Actions on parsed packets: what they change, what they leave alone, true checksums afterwards. */
#include "../../unit.h"
#include "../forge.h"

#include "ipmodd/base/host_view.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/base/rng.h"
#include "ipmodd/datapath/action.h"
#include "ipmodd/datapath/edit.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/wire/checksum.h"
#include "src/datapath/answerer.h"
#include "src/datapath/fixup.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static struct forged forged;
static struct answerer answerer;
static struct rng rng;

static int set_up(void **state)
{
    (void)state;
    answerer = (struct answerer){
        .view = host_view_new(NULL, 0, NULL, 0, NULL, 0),
        .batch = batch_new(),
        .now_ns = 1,
        .bucket = bucket_make(ANSWER_RATE, 1000000000, ANSWER_BURST),
    };
    return answerer.view == NULL || answerer.batch == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    host_view_free((struct host_view *)answerer.view);
    batch_free(answerer.batch);
    return 0;
}

static struct packet make(enum ip_family family, uint8_t proto)
{
    forge_ip(&forged, family, proto);
    forge_l4(&forged, 20);
    forge_seal(&forged);
    return forged_packet(&forged);
}

/* Applies KEY = VALUE to PACKET. */
static enum step apply(const char *key, const char *value, struct packet *packet)
{
    const struct action_context context = {
        .answerer = &answerer, .view = answerer.view, .rng = &rng};
    const struct action_type *type = action_type_find(key);
    const struct scope scope = scope_all();
    struct value_error error;
    enum step step;
    void *parsed;

    assert_non_null(type);
    if (type->parse(value, &scope, &parsed, &error) < 0)
        fail_msg("%s = %s: %s", key, value, error.text);
    batch_reset(answerer.batch);
    step = type->apply(parsed, &context, packet);
    type->free(parsed);
    return step;
}

/* An edit: the list goes on, and after fixup all checksums are true. */
static void edit(const char *key, const char *value, struct packet *packet)
{
    assert_int_equal(apply(key, value, packet), STEP_NEXT);
    assert_int_equal(packet->fate, FATE_PENDING);
    fixup_packet(packet);
    assert_true(checksums_are_right(packet->data, packet->length, packet->family, packet->proto,
                                    packet->l4_offset));
}

static void assert_address(const uint8_t *bytes, enum ip_family family, const char *text)
{
    char buffer[IP_PREFIX_TEXT];
    const struct ip_addr addr = ip_addr_from_bytes(family, bytes);

    assert_string_equal(ip_addr_format(&addr, buffer), text);
}

/* KEY = VALUE makes AFTER of the payload BEFORE, in every protocol and both families. */
static void assert_payload(const char *key, const char *value, const char *before,
                           const char *after)
{
    static const uint8_t protos[] = {IPPROTO_TCP,  IPPROTO_UDP,  IPPROTO_UDPLITE, IPPROTO_DCCP,
                                     IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6,  IPPROTO_GRE};
    size_t length = strlen(before);

    for (size_t i = 0; i < 2 * ARRAY_SIZE(protos); i++) {
        uint8_t proto = protos[i / 2];
        struct packet packet;

        forge_ip(&forged, i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6, proto);
        forge_l4(&forged, length);
        memcpy(forged.bytes + forged.length - length, before, length);
        forge_seal(&forged);
        packet = forged_packet(&forged);
        if (packet_payload_length(&packet) != length)
            continue; /* another family's ICMP: no header is known */
        edit(key, value, &packet);
        assert_memory_equal(packet.data + packet.payload_offset, after, length);
    }
}

static void test_set_payload(void **state)
{
    (void)state;
    assert_payload("set-payload", "\"XY\"", "abcdef", "XYcdef");
    assert_payload("set-payload", "\"XY\" @ 1", "abcdef", "aXYdef");
    assert_payload("set-payload", "\"XY\" @ 4", "abcdef", "abcdXY");
    assert_payload("set-payload", "\"Y\" @ 6", "abcdefg", "abcdefY");
    assert_payload("set-payload", "\"XY\" @ 5", "abcdef", "abcdef");
    assert_payload("set-payload", "\"XY\" @ 60000", "abcdef", "abcdef");
}

static void test_replace(void **state)
{
    (void)state;
    assert_payload("replace", "\"a\" -> \"b\"", "banana", "bbnbnb");
    assert_payload("replace", "\"a\" -> \"b\" count 2", "banana", "bbnbna");
    assert_payload("replace", "\"an\" -> \"na\"", "banana", "bnanaa");
    assert_payload("replace", "\"aa\" -> \"ab\"", "aaaaa", "ababa");
    assert_payload("replace", "\"a\" -> \"b\" @ 3", "banana", "banbna");
    assert_payload("replace", "\"a\" -> \"b\" @ 2", "banana", "banana");
    assert_payload("replace", "\"na\" -> \"NA\" @ 5", "banana", "banana");
    assert_payload("replace", "\"bananas\" -> \"0123456\"", "banana", "banana");
}

/* Bytes that the checksum does not cover change without it. */
static void test_payload_behind_the_coverage(void **state)
{
    enum { COVERED = 11 }; /* the header and three bytes */
    struct packet packet = make(FAMILY_IPV6, IPPROTO_UDPLITE);
    uint8_t *header = packet.data + packet.l4_offset;
    uint16_t checksum;

    (void)state;
    be16_store(header + 4, COVERED);
    be16_store(header + 6, 0);
    checksum = sum_add(sum_bytes(header, COVERED),
                       fixup_pseudo_sum(&packet, packet.length - packet.l4_offset));
    be16_store(header + 6, checksum_from_sum(checksum));
    checksum = be16_load(header + 6);
    assert_false(fixup_is_damaged(&packet));
    apply("set-payload", "0xffff @ 3", &packet);
    fixup_packet(&packet);
    assert_int_equal(be16_load(header + 6), checksum);
    apply("set-payload", "0xffffffff @ 1", &packet);
    fixup_packet(&packet);
    assert_int_not_equal(be16_load(header + 6), checksum);
    assert_false(fixup_is_damaged(&packet));
}

static void test_payload_of_fragments(void **state)
{
    struct packet packet = make(FAMILY_IPV4, IPPROTO_SCTP);

    (void)state;
    packet.flags |= PACKET_FRAGMENT;
    assert_false(edit_payload(&packet, 0, (const uint8_t *)"x", 1));
    packet = make(FAMILY_IPV4, IPPROTO_UDP);
    packet.flags |= PACKET_FRAGMENT;
    assert_true(edit_payload(&packet, 0, (const uint8_t *)"x", 1));
    packet.flags |= PACKET_LATER_FRAGMENT;
    packet.flags &= (uint8_t)~PACKET_HAS_L4;
    assert_false(edit_payload(&packet, 0, (const uint8_t *)"x", 1));
}

static void test_set_addresses(void **state)
{
    struct packet packet = make(FAMILY_IPV4, IPPROTO_UDP);

    (void)state;
    edit("set-src", "203.0.113.9", &packet);
    edit("set-dst", "203.0.113.10", &packet);
    assert_address(packet_src(&packet), FAMILY_IPV4, "203.0.113.9");
    assert_address(packet_dst(&packet), FAMILY_IPV4, "203.0.113.10");
    packet = make(FAMILY_IPV6, IPPROTO_TCP);
    edit("set-src", "2001:db8::9", &packet);
    edit("set-dst", "2001:db8::a", &packet);
    assert_address(packet_src(&packet), FAMILY_IPV6, "2001:db8::9");
    assert_address(packet_dst(&packet), FAMILY_IPV6, "2001:db8::a");
}

/* KEY = VALUE does nothing at all to PACKET. */
static void assert_no_effect(const char *key, const char *value, struct packet *packet)
{
    struct forged before;

    memcpy(before.bytes, packet->data, packet->length);
    edit(key, value, packet);
    assert_memory_equal(before.bytes, packet->data, packet->length);
}

static void test_edits_without_a_place(void **state)
{
    struct packet packet = make(FAMILY_IPV6, IPPROTO_UDP);

    (void)state;
    assert_no_effect("set-src", "192.0.2.9", &packet);
    assert_no_effect("set-df", "yes", &packet);
    assert_no_effect("set-mss", "500", &packet);
    assert_no_effect("clamp-mss", "500", &packet);
    assert_no_effect("set-ip-id", "5", &packet);
    assert_no_effect("set-ip-id", "random", &packet);
    assert_no_effect("set-window", "5", &packet);
    assert_no_effect("set-tcp-flags", "none", &packet);
    assert_no_effect("strip-tcp-option", "any", &packet);
    packet = make(FAMILY_IPV4, IPPROTO_ICMP);
    assert_no_effect("set-dst", "2001:db8::1", &packet);
    assert_no_effect("set-flow-label", "5", &packet);
    assert_no_effect("set-sport", "9", &packet);
    assert_no_effect("set-dport", "9", &packet);
}

static void test_set_ports(void **state)
{
    static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP,
                                     IPPROTO_DCCP};

    (void)state;
    for (size_t i = 0; i < sizeof(protos); i++) {
        struct packet packet = make(i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6, protos[i]);

        edit("set-sport", "65535", &packet);
        edit("set-dport", "1", &packet);
        assert_int_equal(packet_sport(&packet), 65535);
        assert_int_equal(packet_dport(&packet), 1);
    }
}

static void assert_ttl(uint8_t before, const char *value, uint8_t after)
{
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        struct packet packet = make(family, IPPROTO_UDP);

        edit_ttl(&packet, before);
        edit("set-ttl", value, &packet);
        assert_int_equal(packet_ttl(&packet), after);
    }
}

static void test_set_ttl(void **state)
{
    (void)state;
    assert_ttl(64, "1", 1);
    assert_ttl(64, "254", 254);
    assert_ttl(64, "+1", 65);
    assert_ttl(64, "-1", 63);
    assert_ttl(64, "+254", 254);
    assert_ttl(255, "+1", 254);
    assert_ttl(255, "-1", 254);
    assert_ttl(64, "-64", 1);
    assert_ttl(1, "-1", 1);
    assert_ttl(64, "min 8", 64);
    assert_ttl(7, "min 8", 8);
    assert_ttl(64, "max 8", 8);
    assert_ttl(7, "max 8", 7);
    assert_ttl(255, "min 8", 254);
}

static void test_set_tos(void **state)
{
    (void)state;
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        struct packet packet = make(family, IPPROTO_TCP);

        edit("set-dscp", "ef", &packet);
        assert_int_equal(packet_tos(&packet), 46 << 2);
        edit("set-ecn", "ce", &packet);
        assert_int_equal(packet_tos(&packet), 46 << 2 | 3);
        edit("set-dscp", "63", &packet);
        assert_int_equal(packet_tos(&packet), 63 << 2 | 3);
        edit("set-ecn", "not-ect", &packet);
        assert_int_equal(packet_tos(&packet), 63 << 2);
        edit("set-dscp", "be", &packet);
        assert_int_equal(packet_tos(&packet), 0);
    }
}

static void test_set_ip_id(void **state)
{
    struct packet packet = make(FAMILY_IPV4, IPPROTO_UDP);
    struct rng same = rng = rng_make(7);

    (void)state;
    edit("set-ip-id", "65535", &packet);
    assert_int_equal(packet_ip_id(&packet), 65535);
    edit("set-ip-id", "0", &packet);
    assert_int_equal(packet_ip_id(&packet), 0);
    for (unsigned i = 0; i < 3; i++) {
        edit("set-ip-id", "random", &packet);
        assert_int_equal(packet_ip_id(&packet), rng_u16(&same));
    }
}

/* Fragments of one datagram have one identification, whatever numbers are drawn. */
static void test_ip_id_of_fragments(void **state)
{
    struct packet packet;

    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_UDP);
    forge_fragment(&forged, 64, true);
    forge_bytes(&forged, (const uint8_t[16]){0}, 16);
    forge_seal_ip(&forged);
    packet = forged_packet(&forged);
    assert_int_equal(apply("set-ip-id", "random", &packet), STEP_NEXT);
    assert_int_equal(packet_ip_id(&packet), 0x1234);
    assert_int_equal(apply("set-ip-id", "9", &packet), STEP_NEXT);
    assert_int_equal(packet_ip_id(&packet), 9);
}

static void test_set_flow_label(void **state)
{
    struct packet packet = make(FAMILY_IPV6, IPPROTO_TCP);

    (void)state;
    edit("set-dscp", "63", &packet);
    edit("set-flow-label", "1048575", &packet);
    assert_int_equal(packet_flow_label(&packet), 1048575);
    edit("set-flow-label", "66", &packet);
    assert_int_equal(packet_flow_label(&packet), 66);
    assert_int_equal(packet_tos(&packet) >> 2, 63);
    assert_int_equal(packet.data[0] >> 4, 6);
}

static void assert_window(const char *value, uint16_t after)
{
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        struct packet packet = make(family, IPPROTO_TCP);

        edit("set-window", value, &packet);
        assert_int_equal(packet_tcp_window(&packet), after);
    }
}

/* Forged packets have a window of 4096. */
static void test_set_window(void **state)
{
    (void)state;
    assert_window("0", 0);
    assert_window("65535", 65535);
    assert_window("+1", 4097);
    assert_window("+65535", 65535);
    assert_window("-4096", 0);
    assert_window("-5000", 0);
    assert_window("max 1000", 1000);
    assert_window("max 5000", 4096);
    assert_window("min 5000", 5000);
}

static void assert_flags(uint8_t before, const char *value, uint8_t after)
{
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        struct packet packet = make(family, IPPROTO_TCP);

        edit_tcp_flags(&packet, before);
        edit("set-tcp-flags", value, &packet);
        assert_int_equal(packet_tcp_flags(&packet), after);
    }
}

static void test_set_tcp_flags(void **state)
{
    (void)state;
    assert_flags(0x02, "syn+ack", 0x12);
    assert_flags(0xff, "none", 0);
    assert_flags(0x18, "fin", 0x01);
    assert_flags(0x10, "+psh", 0x18);
    assert_flags(0x18, "-psh", 0x10);
    assert_flags(0xc2, "-ece, -cwr, +urg", 0x22);
    assert_flags(0x10, "-urg", 0x10);
}

/* TCP with MSS, SACK permitted, timestamps, NOP, window scale; options at odd places. */
static struct packet make_syn(enum ip_family family)
{
    static const uint8_t options[] = {2, 4, 5, 180, 4, 2, 8, 10, 1, 2,
                                      3, 4, 0, 0,   0, 0, 1, 3,  3, 7};

    forge_ip(&forged, family, IPPROTO_TCP);
    forge_tcp(&forged, 0x02, options, sizeof(options), 5);
    forge_seal(&forged);
    return forged_packet(&forged);
}

static void assert_options(const char *unwanted, const char *after)
{
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        struct packet packet = make_syn(family);
        size_t length = packet.length;
        char text[64] = "";

        edit("strip-tcp-option", unwanted, &packet);
        assert_int_equal(packet.length, length);
        for (size_t i = 0; i < 20; i++)
            sprintf(text + strlen(text), "%02x", packet.data[packet.l4_offset + 20 + i]);
        assert_string_equal(text, after);
    }
}

static void test_strip_tcp_option(void **state)
{
    (void)state;
    assert_options("timestamps", "020405b4040201010101010101010101"
                                 "01030307");
    assert_options("window-scale", "020405b40402080a010203040000000001010101");
    assert_options("any, !mss", "020405b401010101010101010101010101010101");
    assert_options("any", "0101010101010101010101010101010101010101");
    assert_options("sack, 253-254", "020405b40402080a010203040000000001030307");
}

static void test_set_df(void **state)
{
    struct packet packet = make(FAMILY_IPV4, IPPROTO_UDP);

    (void)state;
    edit("set-df", "yes", &packet);
    assert_int_equal(packet.data[6] & 0xc0, 0x40);
    edit("set-df", "no", &packet);
    assert_int_equal(packet.data[6] & 0xc0, 0);
}

/* Forged SYNs announce 1460. */
static void test_mss(void **state)
{
    (void)state;
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        struct packet packet = make(family, IPPROTO_TCP);
        uint16_t mss;

        assert_true(packet_tcp_mss(&packet, &mss));
        assert_int_equal(mss, 1460);
        assert_no_effect("clamp-mss", "1460", &packet);
        assert_no_effect("clamp-mss", "9000", &packet);
        edit("clamp-mss", "1360", &packet);
        assert_true(packet_tcp_mss(&packet, &mss));
        assert_int_equal(mss, 1360);
        edit("set-mss", "8960", &packet);
        assert_true(packet_tcp_mss(&packet, &mss));
        assert_int_equal(mss, 8960);
    }
}

/* Segments that the way to the destination takes; both ways for what passes through. */
static void test_clamp_to_path_mtu(void **state)
{
    static const uint16_t headers[] = {[FAMILY_IPV4] = 40, [FAMILY_IPV6] = 60};

    (void)state;
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        struct packet packet = make(family, IPPROTO_TCP);
        struct route_value routes[] = {
            {.prefix = {ip_addr_from_bytes(family, packet_dst(&packet)), 24}, .value = 1400},
            {.prefix = {ip_addr_from_bytes(family, packet_src(&packet)),
                        (uint8_t)IP_ADDR_BITS(family)},
             .value = 1300},
        };
        uint16_t mss;

        assert_no_effect("clamp-mss", "pmtu", &packet); /* no route at all */
        assert_int_equal(host_view_set_path_mtus((struct host_view *)answerer.view, routes, 2), 0);
        packet.direction = DIRECTION_OUT;
        edit("clamp-mss", "pmtu", &packet);
        assert_true(packet_tcp_mss(&packet, &mss));
        assert_int_equal(mss, 1400 - headers[family]);
        packet.direction = DIRECTION_FORWARD;
        edit("clamp-mss", "pmtu", &packet);
        assert_true(packet_tcp_mss(&packet, &mss));
        assert_int_equal(mss, 1300 - headers[family]);
        assert_int_equal(host_view_set_path_mtus((struct host_view *)answerer.view, NULL, 0), 0);
    }
}

static void test_verdicts(void **state)
{
    struct packet packet = make(FAMILY_IPV4, IPPROTO_UDP);

    (void)state;
    assert_int_equal(apply("verdict", "accept", &packet), STEP_END);
    assert_int_equal(packet.fate, FATE_OUT);
    packet = make(FAMILY_IPV4, IPPROTO_UDP);
    assert_int_equal(apply("verdict", "drop", &packet), STEP_END);
    assert_int_equal(packet.fate, FATE_DROP);
    assert_int_equal(packet.reason, REASON_RULE);
    packet = make(FAMILY_IPV4, IPPROTO_UDP);
    assert_int_equal(apply("verdict", "reject", &packet), STEP_END);
    assert_int_equal(packet.fate, FATE_DROP);
    assert_int_equal(packet.reason, REASON_REJECTED);
    assert_int_equal(answerer.batch->answer_count, 1);
}

/* The ICMP code, in IPv4 and IPv6, that each kind of rejection of a UDP packet has. */
static void test_kinds_of_rejection(void **state)
{
    static const struct {
        const char *value;
        uint8_t codes[FAMILY_COUNT];
    } kinds[] = {
        {"reject", {3, 4}},
        {"reject port-unreachable", {3, 4}},
        {"reject host-unreachable", {1, 3}},
        {"reject net-unreachable", {0, 0}},
        {"reject admin-prohibited", {13, 1}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        for (unsigned family = 0; family < FAMILY_COUNT; family++) {
            struct packet packet = make(family, IPPROTO_UDP);
            size_t l4 = family == FAMILY_IPV4 ? 20 : 40;

            assert_int_equal(apply("verdict", kinds[i].value, &packet), STEP_END);
            assert_int_equal(answerer.batch->answer_count, 1);
            assert_int_equal(answerer.batch->answers[0].data[l4 + 1], kinds[i].codes[family]);
        }
    }
}

static void test_reply_echo(void **state)
{
    (void)state;
    for (unsigned family = 0; family < FAMILY_COUNT; family++) {
        struct packet packet = make(family, family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);

        assert_int_equal(apply("reply", "echo", &packet), STEP_END);
        assert_int_equal(packet.fate, FATE_DROP);
        assert_int_equal(packet.reason, REASON_ANSWERED);
        assert_int_equal(answerer.batch->answer_count, 1);
        packet = make(family, IPPROTO_UDP);
        assert_int_equal(apply("reply", "echo", &packet), STEP_NEXT);
        assert_int_equal(packet.fate, FATE_PENDING);
        assert_int_equal(answerer.batch->answer_count, 0);
    }
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < action_type_count; i++) {
        const struct action_type *type = action_types[i];

        assert_ptr_equal(action_type_find(type->key), type);
        assert_null(match_type_find(type->key));
        assert_non_null(type->grammar);
        assert_non_null(type->parse);
        assert_non_null(type->free);
        assert_non_null(type->apply);
        assert_non_null(type->print);
        assert_true(type->decides || type->writes != 0 || type->needs_flow);
    }
    assert_null(action_type_find("dport"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_payload),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_payload_behind_the_coverage),
        cmocka_unit_test(test_payload_of_fragments),
        cmocka_unit_test(test_set_addresses),
        cmocka_unit_test(test_edits_without_a_place),
        cmocka_unit_test(test_set_ports),
        cmocka_unit_test(test_set_ttl),
        cmocka_unit_test(test_set_tos),
        cmocka_unit_test(test_set_df),
        cmocka_unit_test(test_set_ip_id),
        cmocka_unit_test(test_ip_id_of_fragments),
        cmocka_unit_test(test_set_flow_label),
        cmocka_unit_test(test_set_window),
        cmocka_unit_test(test_set_tcp_flags),
        cmocka_unit_test(test_strip_tcp_option),
        cmocka_unit_test(test_mss),
        cmocka_unit_test(test_clamp_to_path_mtu),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_kinds_of_rejection),
        cmocka_unit_test(test_reply_echo),
        cmocka_unit_test(test_table),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
