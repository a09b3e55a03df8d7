/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers: their bytes, and every case in which none may be made. */
#include "../unit.h"
#include "forge.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/edit.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/wire/bytes.h"
#include "src/datapath/answerer.h"

#include <netinet/in.h>
#include <string.h>

enum { SYN = 0x02, RST = 0x04, ACK = 0x10, FIN = 0x01 };

static struct forged forged;
static struct answerer answerer;
static struct host_view *view;

static struct ip_addr addr(const char *text)
{
    struct ip_addr parsed;

    assert_int_equal(ip_addr_parse(text, &parsed), 0);
    return parsed;
}

static int set_up(void **state)
{
    const struct ip_addr locals[] = {addr("192.0.2.1"), addr("2001:db8:1::1"), addr("203.0.113.1")};
    const struct ip_addr broadcast = addr("192.0.2.255");
    struct ip_prefix tun[2];

    (void)state;
    assert_int_equal(ip_prefix_parse("203.0.113.1/24", &tun[0]), 0);
    assert_int_equal(ip_prefix_parse("2001:db8:cafe::1/64", &tun[1]), 0);
    view = host_view_new(locals, ARRAY_SIZE(locals), &broadcast, 1, tun, ARRAY_SIZE(tun));
    answerer = (struct answerer){
        .view = view,
        .batch = batch_new(),
        .now_ns = 1,
        .bucket = bucket_make(ANSWER_RATE, 1000000000, ANSWER_BURST),
    };
    return view == NULL || answerer.batch == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    host_view_free(view);
    batch_free(answerer.batch);
    return 0;
}

/* Refuses what is forged. The answer, or NULL with the reason in *RET_REASON. */
static const struct packet *reject(enum reject_kind kind, enum reason *ret_reason)
{
    struct packet packet = forged_packet(&forged);

    batch_reset(answerer.batch);
    answerer.now_ns += 1000000000;
    answer_reject(&answerer, &packet, kind);
    assert_int_equal(packet.fate, FATE_DROP);
    *ret_reason = packet.reason;
    return answerer.batch->answer_count > 0 ? &answerer.batch->answers[0] : NULL;
}

static const struct packet *assert_rejected(enum reject_kind kind)
{
    enum reason reason;
    const struct packet *answer = reject(kind, &reason);

    assert_string_equal(reason_name(reason), "rejected");
    assert_non_null(answer);
    return answer;
}

static void assert_silent(enum reject_kind kind)
{
    enum reason reason;

    assert_null(reject(kind, &reason));
    assert_string_equal(reason_name(reason), "reject-silent");
}

static const struct packet *echo(void)
{
    struct packet packet = forged_packet(&forged);

    batch_reset(answerer.batch);
    if (!answer_echo(&answerer, &packet)) {
        assert_int_equal(answerer.batch->answer_count, 0);
        assert_int_equal(packet.fate, FATE_PENDING);
        return NULL;
    }
    assert_int_equal(packet.fate, FATE_DROP);
    assert_int_equal(packet.reason, REASON_ANSWERED);
    return &answerer.batch->answers[0];
}

/* From who was asked to who asked, whole, right, 64 hops to go. */
static void assert_answers(const struct packet *answer, uint8_t proto)
{
    struct packet asked = forged_packet(&forged);
    size_t header = asked.family == FAMILY_IPV4 ? 20 : 40;

    assert_int_equal(answer->family, asked.family);
    assert_int_equal(answer->proto, proto);
    assert_int_equal(answer->l4_offset, header);
    assert_int_equal(answer->fate, FATE_OUT);
    assert_int_equal(packet_ttl(answer), 64);
    assert_memory_equal(packet_src(answer), packet_dst(&asked), IP_ADDR_BYTES(asked.family));
    assert_memory_equal(packet_dst(answer), packet_src(&asked), IP_ADDR_BYTES(asked.family));
    assert_true(checksums_are_right(answer->data, answer->length, answer->family, proto, header));
}

static void forge_udp_packet(enum ip_family family, size_t payload)
{
    forge_ip(&forged, family, IPPROTO_UDP);
    forge_udp(&forged, payload);
    forge_seal(&forged);
}

static void forge_segment(enum ip_family family, uint8_t flags, size_t payload)
{
    forge_ip(&forged, family, IPPROTO_TCP);
    forge_tcp(&forged, flags, NULL, 0, payload);
    forge_seal(&forged);
}

static void forge_echo_request(enum ip_family family, size_t payload)
{
    forge_ip(&forged, family, family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    forge_l4(&forged, payload);
    forge_seal(&forged);
}

static void set_src(const char *text)
{
    struct ip_addr src = addr(text);

    memcpy(forged.bytes + (src.family == FAMILY_IPV4 ? 12 : 8), src.bytes,
           IP_ADDR_BYTES(src.family));
    forge_seal(&forged);
}

static void set_dst(const char *text)
{
    struct ip_addr dst = addr(text);

    memcpy(forged.bytes + (dst.family == FAMILY_IPV4 ? 16 : 24), dst.bytes,
           IP_ADDR_BYTES(dst.family));
    forge_seal(&forged);
}

/* RFC 9293 3.5.2: without ACK the reset acknowledges the segment. */
static void test_reset_of_syn(void **state)
{
    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        const struct packet *answer;
        const uint8_t *reset;

        forge_segment(family, SYN, 0);
        answer = assert_rejected(REJECT_DEFAULT);
        assert_answers(answer, IPPROTO_TCP);
        reset = answer->data + answer->l4_offset;
        assert_int_equal(answer->length - answer->l4_offset, 20);
        assert_int_equal(packet_sport(answer), 80);
        assert_int_equal(packet_dport(answer), 1234);
        assert_int_equal(packet_tcp_flags(answer), RST | ACK);
        assert_int_equal(be32_load(reset + 4), 0);
        assert_int_equal(be32_load(reset + 8), 0x01020304 + 1);
    }
}

static void test_reset_counts_data_and_fin(void **state)
{
    const struct packet *answer;

    (void)state;
    forge_segment(FAMILY_IPV4, SYN | FIN, 7);
    answer = assert_rejected(REJECT_TCP_RESET);
    assert_int_equal(be32_load(answer->data + 28), 0x01020304 + 9);
    forge_segment(FAMILY_IPV4, 0, 7);
    answer = assert_rejected(REJECT_TCP_RESET);
    assert_int_equal(be32_load(answer->data + 28), 0x01020304 + 7);
}

static void test_reset_of_segment_with_ack(void **state)
{
    const struct packet *answer;

    (void)state;
    forge_segment(FAMILY_IPV6, ACK, 100);
    answer = assert_rejected(REJECT_DEFAULT);
    assert_answers(answer, IPPROTO_TCP);
    assert_int_equal(packet_tcp_flags(answer), RST);
    assert_int_equal(be32_load(answer->data + 44), 0x05060708);
    assert_int_equal(be32_load(answer->data + 48), 0);
}

static void test_no_reset(void **state)
{
    (void)state;
    forge_segment(FAMILY_IPV4, RST, 0);
    assert_silent(REJECT_DEFAULT);
    forge_segment(FAMILY_IPV6, RST | ACK, 0);
    assert_silent(REJECT_TCP_RESET);
    forge_segment(FAMILY_IPV4, SYN, 4);
    forge_fragment(&forged, 0, true);
    forge_seal_ip(&forged);
    assert_silent(REJECT_DEFAULT);
    forge_udp_packet(FAMILY_IPV4, 4);
    assert_silent(REJECT_TCP_RESET);
}

static void assert_quotes(const struct packet *answer, size_t quoted)
{
    const uint8_t *quote = answer->data + answer->l4_offset + 8;

    assert_int_equal(be32_load(answer->data + answer->l4_offset + 4), 0);
    assert_int_equal(answer->length - answer->l4_offset - 8, quoted);
    assert_memory_equal(quote, forged.bytes, quoted);
}

/* As much as 576 bytes (IPv4) or 1,280 bytes (IPv6) of error have room for. */
static void test_error_quotes(void **state)
{
    const struct packet *answer;

    (void)state;
    forge_udp_packet(FAMILY_IPV4, 5);
    answer = assert_rejected(REJECT_DEFAULT);
    assert_answers(answer, IPPROTO_ICMP);
    assert_quotes(answer, 33);
    forge_udp_packet(FAMILY_IPV4, 1400);
    answer = assert_rejected(REJECT_DEFAULT);
    assert_answers(answer, IPPROTO_ICMP);
    assert_quotes(answer, 576 - 28);
    forge_udp_packet(FAMILY_IPV6, 5);
    answer = assert_rejected(REJECT_DEFAULT);
    assert_answers(answer, IPPROTO_ICMPV6);
    assert_quotes(answer, 53);
    forge_udp_packet(FAMILY_IPV6, 1400);
    answer = assert_rejected(REJECT_DEFAULT);
    assert_answers(answer, IPPROTO_ICMPV6);
    assert_quotes(answer, 1280 - 48);
}

static void test_error_codes(void **state)
{
    static const struct {
        enum reject_kind kind;
        uint8_t code4, code6;
    } expected[] = {
        {REJECT_DEFAULT, 3, 4},           {REJECT_PORT_UNREACHABLE, 3, 4},
        {REJECT_HOST_UNREACHABLE, 1, 3},  {REJECT_NET_UNREACHABLE, 0, 0},
        {REJECT_ADMIN_PROHIBITED, 13, 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        const struct packet *answer;

        forge_udp_packet(FAMILY_IPV4, 5);
        answer = assert_rejected(expected[i].kind);
        assert_int_equal(packet_icmp_type(answer), 3);
        assert_int_equal(packet_icmp_code(answer), expected[i].code4);
        forge_udp_packet(FAMILY_IPV6, 5);
        answer = assert_rejected(expected[i].kind);
        assert_int_equal(packet_icmp_type(answer), 1);
        assert_int_equal(packet_icmp_code(answer), expected[i].code6);
    }
    forge_udp_packet(FAMILY_IPV4, 5);
    assert_int_equal(packet_icmp_code(assert_rejected(REJECT_PROTO_UNREACHABLE)), 2);
    forge_udp_packet(FAMILY_IPV6, 5);
    assert_silent(REJECT_PROTO_UNREACHABLE);
    forge_segment(FAMILY_IPV4, SYN, 0);
    assert_int_equal(packet_icmp_code(assert_rejected(REJECT_ADMIN_PROHIBITED)), 13);
}

/* RFC 1122 3.2.2, RFC 4443 2.4 (e). */
static void test_no_error_about_icmp_errors(void **state)
{
    static const uint8_t errors4[] = {3, 4, 5, 11, 12}, errors6[] = {1, 2, 3, 4, 100, 127, 137};

    (void)state;
    for (size_t i = 0; i < sizeof(errors4); i++) {
        forge_ip(&forged, FAMILY_IPV4, IPPROTO_ICMP);
        forge_icmp(&forged, errors4[i], 0, 28);
        forge_seal(&forged);
        assert_silent(REJECT_DEFAULT);
    }
    for (size_t i = 0; i < sizeof(errors6); i++) {
        forge_ip(&forged, FAMILY_IPV6, IPPROTO_ICMPV6);
        forge_icmp(&forged, errors6[i], 0, 28);
        forge_seal(&forged);
        assert_silent(REJECT_ADMIN_PROHIBITED);
    }
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        forge_echo_request(family, 8);
        assert_rejected(REJECT_DEFAULT);
    }
}

static void test_fragments(void **state)
{
    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        forge_ip(&forged, family, IPPROTO_UDP);
        forge_fragment(&forged, 0, true);
        forge_udp(&forged, 8);
        forge_seal_ip(&forged);
        assert_rejected(REJECT_DEFAULT);
        forge_ip(&forged, family, IPPROTO_UDP);
        forge_fragment(&forged, 8, false);
        forge_bytes(&forged, "rest", 4);
        forge_seal_ip(&forged);
        assert_silent(REJECT_DEFAULT);
        /* An ICMP message whose type is cut off could be an error. */
        forge_ip(&forged, family, family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
        forge_fragment(&forged, 0, true);
        forge_seal_ip(&forged);
        assert_silent(REJECT_DEFAULT);
    }
}

static void test_no_answer_from_or_to_many(void **state)
{
    static const char *const wrong_src[] = {"0.0.0.0",     "0.1.2.3",   "127.0.0.1",
                                            "224.0.0.1",   "240.0.0.1", "255.255.255.255",
                                            "192.0.2.255", "::",        "::1",
                                            "ff02::1"};
    static const char *const wrong_dst[] = {"224.0.0.251", "255.255.255.255", "192.0.2.255",
                                            "ff02::fb"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong_src); i++) {
        enum ip_family family = addr(wrong_src[i]).family;

        forge_udp_packet(family, 4);
        set_src(wrong_src[i]);
        assert_silent(REJECT_DEFAULT);
        forge_segment(family, SYN, 0);
        set_src(wrong_src[i]);
        assert_silent(REJECT_DEFAULT);
        forge_echo_request(family, 4);
        set_src(wrong_src[i]);
        assert_null(echo());
    }
    for (size_t i = 0; i < ARRAY_SIZE(wrong_dst); i++) {
        enum ip_family family = addr(wrong_dst[i]).family;

        forge_udp_packet(family, 4);
        set_dst(wrong_dst[i]);
        assert_silent(REJECT_DEFAULT);
        forge_segment(family, SYN, 0);
        set_dst(wrong_dst[i]);
        assert_silent(REJECT_DEFAULT);
        forge_echo_request(family, 4);
        set_dst(wrong_dst[i]);
        assert_null(echo());
    }
    forge_udp_packet(FAMILY_IPV4, 4);
    set_dst("240.1.2.3");
    assert_rejected(REJECT_DEFAULT);
}

/* What came from tun0's prefix and is not this host would get its answer through tun0 again. */
static void test_no_answer_into_tun_prefix(void **state)
{
    (void)state;
    forge_udp_packet(FAMILY_IPV4, 4);
    set_src("203.0.113.2");
    assert_silent(REJECT_DEFAULT);
    set_src("203.0.113.1");
    assert_rejected(REJECT_DEFAULT);
    forge_echo_request(FAMILY_IPV6, 4);
    set_src("2001:db8:cafe::2");
    assert_null(echo());
}

/* A host would have thrown it away unread. */
static void test_no_answer_to_damaged(void **state)
{
    (void)state;
    forge_segment(FAMILY_IPV4, SYN, 0);
    forged.bytes[36] ^= 1;
    assert_silent(REJECT_DEFAULT);
    forge_udp_packet(FAMILY_IPV4, 4);
    forged.bytes[10] ^= 1;
    assert_silent(REJECT_DEFAULT);
    forge_echo_request(FAMILY_IPV6, 4);
    forged.bytes[42] ^= 1;
    assert_null(echo());
}

static void test_echo(void **state)
{
    static const uint8_t protos[] = {IPPROTO_ICMP, IPPROTO_ICMPV6}, types[] = {0, 129};

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        const struct packet *answer;

        for (size_t payload = 0; payload < 60000; payload = payload * 3 + 1) {
            forge_echo_request(family, payload);
            answer = echo();
            assert_non_null(answer);
            assert_answers(answer, protos[family]);
            assert_int_equal(packet_icmp_type(answer), types[family]);
            assert_int_equal(answer->length, forged.length);
            assert_memory_equal(answer->data + answer->l4_offset + 4, forged.bytes + forged.l4 + 4,
                                4 + payload);
        }
    }
}

static void test_echo_tos_df_and_options(void **state)
{
    static const uint8_t nops[4] = {1, 1, 1, 1};
    const struct packet *answer;

    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_ICMP);
    forge_ip4_options(&forged, nops, sizeof(nops));
    forged.bytes[1] = 0xbb;
    forged.bytes[6] = 0x40;
    forge_l4(&forged, 12);
    forge_seal(&forged);
    answer = echo();
    assert_non_null(answer);
    assert_answers(answer, IPPROTO_ICMP);
    assert_int_equal(answer->length, forged.length - sizeof(nops));
    assert_int_equal(packet_tos(answer), 0xb8);
    assert_int_equal(be16_load(answer->data + 4), 0x1234);
    assert_int_equal(be16_load(answer->data + 6), 0x4000);
}

static void test_echo_of_other_packets(void **state)
{
    (void)state;
    forge_udp_packet(FAMILY_IPV4, 4);
    assert_null(echo());
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_ICMP);
    forge_icmp(&forged, 0, 0, 4);
    forge_seal(&forged);
    assert_null(echo());
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_ICMPV6);
    forge_icmp(&forged, 8, 0, 4);
    forge_seal(&forged);
    assert_null(echo());
    forge_echo_request(FAMILY_IPV4, 8);
    forge_fragment(&forged, 0, true);
    forge_seal_ip(&forged);
    assert_null(echo());
}

/* Their programs speak from the home address, and an answer would go to another one. */
static void test_no_forged_answer_to_mobile_nodes(void **state)
{
    static const uint8_t home[22] = {1, 2, 0, 0, 201, 16, 0x20, 1};

    (void)state;
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_TCP);
    forge_extension(&forged, IPPROTO_DSTOPTS, home, sizeof(home));
    forge_tcp(&forged, SYN, NULL, 0, 0);
    forge_seal(&forged);
    assert_silent(REJECT_DEFAULT);
    assert_rejected(REJECT_ADMIN_PROHIBITED);
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_ICMPV6);
    forge_extension(&forged, IPPROTO_DSTOPTS, home, sizeof(home));
    forge_icmp(&forged, 128, 0, 4);
    forge_seal(&forged);
    assert_null(echo());
}

/* The quote shows the packet as it is by then, with true checksums. */
static void test_quote_of_edited_packet(void **state)
{
    struct packet packet;
    const struct packet *answer;

    (void)state;
    forge_udp_packet(FAMILY_IPV4, 4);
    packet = forged_packet(&forged);
    batch_reset(answerer.batch);
    assert_true(edit_dport(&packet, 53));
    assert_true(edit_ttl(&packet, 9));
    answer_reject(&answerer, &packet, REJECT_DEFAULT);
    assert_int_equal(answerer.batch->answer_count, 1);
    answer = &answerer.batch->answers[0];
    assert_int_equal(be16_load(answer->data + 28 + 22), 53);
    assert_true(
        checksums_are_right(answer->data + 28, answer->length - 28, FAMILY_IPV4, IPPROTO_UDP, 20));
}

static void test_limit(void **state)
{
    unsigned made = 0, limited = 0;

    (void)state;
    forge_udp_packet(FAMILY_IPV4, 4);
    answerer.now_ns += 10000000000;
    for (unsigned i = 0; i < 2 * ANSWER_BURST; i++) {
        struct packet packet = forged_packet(&forged);

        batch_reset(answerer.batch);
        answer_reject(&answerer, &packet, REJECT_DEFAULT);
        made += packet.reason == REASON_REJECTED;
        limited += packet.reason == REASON_REJECT_LIMITED;
        assert_int_equal(answerer.batch->answer_count, packet.reason == REASON_REJECTED);
    }
    assert_int_equal(made, ANSWER_BURST);
    assert_int_equal(limited, ANSWER_BURST);
}

static void test_kind_names(void **state)
{
    (void)state;
    assert_string_equal(reject_kind_name(REJECT_DEFAULT), "");
    for (enum reject_kind a = 0; a < REJECT_KIND_COUNT; a++) {
        for (enum reject_kind b = 0; b < a; b++)
            assert_string_not_equal(reject_kind_name(a), reject_kind_name(b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_of_syn),
        cmocka_unit_test(test_reset_counts_data_and_fin),
        cmocka_unit_test(test_reset_of_segment_with_ack),
        cmocka_unit_test(test_no_reset),
        cmocka_unit_test(test_error_quotes),
        cmocka_unit_test(test_error_codes),
        cmocka_unit_test(test_no_error_about_icmp_errors),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_no_answer_from_or_to_many),
        cmocka_unit_test(test_no_answer_into_tun_prefix),
        cmocka_unit_test(test_no_answer_to_damaged),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_echo_tos_df_and_options),
        cmocka_unit_test(test_echo_of_other_packets),
        cmocka_unit_test(test_no_forged_answer_to_mobile_nodes),
        cmocka_unit_test(test_quote_of_edited_packet),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_kind_names),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
