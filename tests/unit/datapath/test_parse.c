/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parse: every reason, every layer, fragments of both families. */
#include "../unit.h"
#include "forge.h"
#include "src/datapath/parse.h"

#include <netinet/in.h>
#include <string.h>

static struct forged forged;

static enum reason parse(struct packet *ret_packet)
{
    *ret_packet = forged_raw(&forged);
    return parse_packet(ret_packet);
}

static void assert_refused(enum reason expected)
{
    struct packet packet;

    assert_string_equal(reason_name(parse(&packet)), reason_name(expected));
}

static void assert_accepted(unsigned flags, size_t l4_offset, size_t payload_offset)
{
    struct packet packet;

    assert_string_equal(reason_name(parse(&packet)), "none");
    assert_int_equal(packet.flags, PACKET_HAS_IP | flags);
    assert_int_equal(packet.l4_offset, l4_offset);
    assert_int_equal(packet.payload_offset, payload_offset);
}

static void test_empty_and_version(void **state)
{
    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_UDP);
    forged.length = 0;
    assert_refused(REASON_EMPTY);
    forged.length = 20;
    for (unsigned version = 0; version < 16; version++) {
        forged.bytes[0] = (uint8_t)(version << 4 | 5);
        if (version != 4 && version != 6)
            assert_refused(REASON_BAD_VERSION);
    }
}

static void test_truncated_ip_header(void **state)
{
    (void)state;
    for (size_t length = 1; length < 20; length++) {
        forge_ip(&forged, FAMILY_IPV4, IPPROTO_UDP);
        forged.length = length;
        assert_refused(REASON_TRUNCATED_IP_HEADER);
    }
    for (size_t length = 1; length < 40; length++) {
        forge_ip(&forged, FAMILY_IPV6, IPPROTO_UDP);
        forged.length = length;
        assert_refused(REASON_TRUNCATED_IP_HEADER);
    }
}

static void test_ip4_header_length(void **state)
{
    (void)state;
    forge_ip(&forged, FAMILY_IPV4, 99);
    forge_l4(&forged, 36);
    forge_seal_ip(&forged);
    forged.bytes[0] = 0x44;
    assert_refused(REASON_BAD_IP_HEADER_LENGTH);
    forged.bytes[0] = 0x4f;
    assert_refused(REASON_BAD_IP_HEADER_LENGTH);
}

static void test_total_length(void **state)
{
    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_UDP);
    forge_udp(&forged, 10);
    forge_seal(&forged);
    forged.bytes[3] = 39;
    assert_refused(REASON_BAD_IP_TOTAL_LENGTH);
    forged.bytes[3] = 19;
    assert_refused(REASON_BAD_IP_TOTAL_LENGTH);
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_UDP);
    forge_udp(&forged, 10);
    forge_seal(&forged);
    forged.bytes[5] = 19;
    assert_refused(REASON_BAD_IP_TOTAL_LENGTH);
}

static void test_what_lies_behind_is_cut(void **state)
{
    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        struct packet packet;
        size_t length;

        forge_ip(&forged, family, IPPROTO_UDP);
        forge_udp(&forged, 10);
        forge_seal(&forged);
        length = forged.length;
        forge_bytes(&forged, "padding", 7);
        assert_int_equal(parse(&packet), REASON_NONE);
        assert_int_equal(packet.length, length);
    }
}

static void test_ip4_options(void **state)
{
    static const uint8_t good[] = {1, 7, 7, 4, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff};
    static const uint8_t no_length[] = {1, 1, 1, 7};
    static const uint8_t too_short[] = {7, 1, 0, 0};
    static const uint8_t too_long[] = {7, 5, 4, 0};

    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_UDP);
    forge_ip4_options(&forged, good, sizeof(good));
    forge_udp(&forged, 4);
    forge_seal(&forged);
    assert_accepted(PACKET_HAS_L4, 32, 40);
    memcpy(forged.bytes + 20, no_length, 4);
    memset(forged.bytes + 24, 1, 8);
    memcpy(forged.bytes + 28, no_length, 4);
    assert_refused(REASON_BAD_IP_OPTION);
    memcpy(forged.bytes + 28, too_short, 4);
    assert_refused(REASON_BAD_IP_OPTION);
    memcpy(forged.bytes + 28, too_long, 4);
    assert_refused(REASON_BAD_IP_OPTION);
}

static void test_source_route_is_seen_while_under_way(void **state)
{
    static const uint8_t kinds[] = {131, 137};

    (void)state;
    for (size_t i = 0; i < sizeof(kinds); i++) {
        const uint8_t route[] = {kinds[i], 7, 4, 203, 0, 113, 1, 0};

        forge_ip(&forged, FAMILY_IPV4, IPPROTO_UDP);
        forge_ip4_options(&forged, route, sizeof(route));
        forge_udp(&forged, 4);
        forge_seal(&forged);
        assert_accepted(PACKET_HAS_L4 | PACKET_SOURCE_ROUTED, 28, 36);
        forged.bytes[22] = 8;
        assert_accepted(PACKET_HAS_L4, 28, 36);
    }
}

static void test_extension_headers_of_every_kind(void **state)
{
    static const uint8_t body[22] = {0};

    (void)state;
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_UDP);
    forge_extension(&forged, IPPROTO_HOPOPTS, body, 6);
    forge_extension(&forged, IPPROTO_DSTOPTS, body, 14);
    forge_extension(&forged, IPPROTO_ROUTING, body, 6);
    forge_extension(&forged, IPPROTO_AH, body, 22);
    forge_extension(&forged, IPPROTO_DSTOPTS, body, 6);
    forge_udp(&forged, 3);
    forge_seal(&forged);
    assert_accepted(PACKET_HAS_L4, 40 + 8 + 16 + 8 + 24 + 8, 40 + 64 + 8);
}

static void test_routing_header_with_stops_left(void **state)
{
    static const uint8_t one_left[22] = {4, 1};

    (void)state;
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_UDP);
    forge_extension(&forged, IPPROTO_ROUTING, one_left, sizeof(one_left));
    forge_udp(&forged, 3);
    forge_seal(&forged);
    assert_accepted(PACKET_HAS_L4 | PACKET_SOURCE_ROUTED, 64, 72);
}

/* Padding, and an option of another length, are none. */
static void test_home_address(void **state)
{
    static const uint8_t home[22] = {1, 2, 0, 0, 201, 16}, short_one[22] = {0, 0, 0, 1, 0, 201, 14},
                         cut_off[22] = {1, 4, 0, 0, 0, 0, 201, 16};

    (void)state;
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_UDP);
    forge_extension(&forged, IPPROTO_DSTOPTS, home, sizeof(home));
    forge_udp(&forged, 3);
    forge_seal(&forged);
    assert_accepted(PACKET_HAS_L4 | PACKET_HOME_ADDRESS, 64, 72);
    memcpy(forged.bytes + 42, short_one, sizeof(short_one));
    assert_accepted(PACKET_HAS_L4, 64, 72);
    memcpy(forged.bytes + 42, cut_off, sizeof(cut_off));
    assert_accepted(PACKET_HAS_L4, 64, 72);
}

static void test_extension_header_faults(void **state)
{
    static const uint8_t body[6] = {0};

    (void)state;
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_NONE);
    forge_extension(&forged, IPPROTO_DSTOPTS, body, sizeof(body));
    forge_seal_ip(&forged);
    assert_accepted(0, 48, 48);
    forged.bytes[41] = 1; /* 16 bytes where 8 are */
    assert_refused(REASON_BAD_EXTENSION_HEADER);
    forged.bytes[41] = 0;
    forge_extension(&forged, IPPROTO_HOPOPTS, body, sizeof(body));
    forge_seal_ip(&forged);
    assert_refused(REASON_BAD_EXTENSION_HEADER);
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_DSTOPTS);
    forge_seal_ip(&forged);
    assert_refused(REASON_BAD_EXTENSION_HEADER);
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_FRAGMENT);
    forge_bytes(&forged, body, sizeof(body));
    forge_seal_ip(&forged);
    assert_refused(REASON_BAD_EXTENSION_HEADER);
}

static void test_number_of_extension_headers(void **state)
{
    static const uint8_t body[6] = {0};

    (void)state;
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_NONE);
    for (unsigned i = 0; i < 8; i++)
        forge_extension(&forged, IPPROTO_DSTOPTS, body, sizeof(body));
    forge_seal_ip(&forged);
    assert_accepted(0, 40 + 64, 40 + 64);
    forge_extension(&forged, IPPROTO_DSTOPTS, body, sizeof(body));
    forge_seal_ip(&forged);
    assert_refused(REASON_TOO_MANY_EXTENSION_HEADERS);
}

static void forge_part(enum ip_family family, uint8_t proto, size_t offset, bool more)
{
    forge_ip(&forged, family, proto);
    forge_fragment(&forged, offset, more);
}

static void test_fragments(void **state)
{
    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        size_t l4 = family == FAMILY_IPV4 ? 20 : 48;

        forge_part(family, IPPROTO_UDP, 0, true);
        forge_udp(&forged, 16);
        forged.bytes[l4 + 5] = 200; /* the whole datagram's */
        forge_seal_ip(&forged);
        assert_accepted(PACKET_FRAGMENT | PACKET_HAS_L4, l4, l4 + 8);
        forge_part(family, IPPROTO_UDP, 24, false);
        forge_bytes(&forged, "later", 5);
        forge_seal_ip(&forged);
        assert_accepted(PACKET_FRAGMENT | PACKET_LATER_FRAGMENT, l4, l4);
        forge_part(family, IPPROTO_UDP, 24, true);
        forge_bytes(&forged, "later", 5);
        forge_seal_ip(&forged);
        assert_refused(REASON_BAD_FRAGMENT);
    }
}

static void test_atomic_fragment_is_whole(void **state)
{
    (void)state;
    forge_part(FAMILY_IPV6, IPPROTO_UDP, 0, false);
    forge_udp(&forged, 3);
    forge_seal(&forged);
    assert_accepted(PACKET_HAS_L4, 48, 56);
}

static void test_later_fragment_is_not_followed(void **state)
{
    struct packet packet;

    (void)state;
    forge_part(FAMILY_IPV6, IPPROTO_DSTOPTS, 8, false);
    forge_bytes(&forged, "\xff\xff", 2);
    forge_seal_ip(&forged);
    assert_int_equal(parse(&packet), REASON_NONE);
    assert_int_equal(packet.proto, IPPROTO_DSTOPTS);
    assert_false(packet_has_ports(&packet));
}

/* Past 65,535 bytes of the reassembled datagram, its header counted as each family counts. */
static void test_fragment_reaching_too_far(void **state)
{
    static const uint8_t zeros[65535] = {0};

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        size_t header = family == FAMILY_IPV4 ? 20 : 0;
        size_t most = 65535 - header - 65496;

        forge_part(family, IPPROTO_UDP, 65496, false);
        forge_bytes(&forged, zeros, most);
        forge_seal_ip(&forged);
        assert_accepted(PACKET_FRAGMENT | PACKET_LATER_FRAGMENT, forged.l4, forged.l4);
        forge_bytes(&forged, zeros, 1);
        forge_seal_ip(&forged);
        assert_refused(REASON_BAD_FRAGMENT);
    }
}

static const uint8_t protos[FAMILY_COUNT][6] = {
    {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_ICMP},
    {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_ICMPV6},
};

/* Cut anywhere in its fixed header: refused whole, accepted without L4 as a first fragment. */
static void test_truncated_l4_header(void **state)
{
    static const size_t fixed[6] = {20, 8, 8, 12, 12, 8};

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        for (size_t i = 0; i < 6; i++) {
            for (size_t kept = 0; kept < fixed[i]; kept++) {
                forge_ip(&forged, family, protos[family][i]);
                forge_l4(&forged, 0);
                forged.length = forged.l4 + kept;
                forge_seal_ip(&forged);
                assert_refused(REASON_TRUNCATED_L4_HEADER);
            }
            forge_part(family, protos[family][i], 0, true);
            forge_l4(&forged, 0);
            forged.length = forged.l4 + fixed[i] / 8 * 8 - (fixed[i] % 8 == 0 ? 8 : 0);
            forge_seal_ip(&forged);
            assert_accepted(PACKET_FRAGMENT | PACKET_TINY_FRAGMENT, forged.l4, forged.l4);
        }
    }
}

static void test_tcp_header_length(void **state)
{
    static const uint8_t nops[4] = {1, 1, 1, 1};

    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, 0x10, nops, sizeof(nops), 8);
    forge_seal(&forged);
    assert_accepted(PACKET_HAS_L4, 20, 44);
    forged.bytes[32] = 0x40;
    assert_refused(REASON_BAD_TCP_HEADER_LENGTH);
    forged.bytes[32] = 0x90;
    assert_refused(REASON_BAD_TCP_HEADER_LENGTH);
    forge_fragment(&forged, 0, true);
    assert_accepted(PACKET_FRAGMENT | PACKET_TINY_FRAGMENT, 20, 20);
}

static void test_tcp_options(void **state)
{
    static const uint8_t too_short[] = {1, 2, 1, 0};
    static const uint8_t too_long[] = {1, 3, 4, 7};
    static const uint8_t ended[] = {1, 0, 9, 9};

    (void)state;
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_TCP);
    forge_tcp(&forged, 0x02, too_short, 4, 0);
    forge_seal(&forged);
    assert_refused(REASON_BAD_TCP_OPTION);
    memcpy(forged.bytes + 60, too_long, 4);
    assert_refused(REASON_BAD_TCP_OPTION);
    memcpy(forged.bytes + 60, ended, 4);
    assert_accepted(PACKET_HAS_L4, 40, 64);
}

/* As nearly all connections have it; what looks like it is read like any other option. */
static void test_tcp_timestamp(void **state)
{
    static const uint8_t aligned[12] = {1, 1, 8, 10};

    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, 0x10, aligned, sizeof(aligned), 5);
    forge_seal(&forged);
    assert_accepted(PACKET_HAS_L4, 20, 52);
    forged.bytes[43] = 11;
    assert_refused(REASON_BAD_TCP_OPTION);
    forged.bytes[43] = 10;
    forged.bytes[32] = 7 << 4;
    assert_refused(REASON_BAD_TCP_OPTION);
    forged.bytes[32] = 9 << 4;
    forged.bytes[52] = 3;
    forged.bytes[53] = 1;
    assert_refused(REASON_BAD_TCP_OPTION);
}

static void test_udp_length(void **state)
{
    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_UDP);
    forge_udp(&forged, 8);
    forge_seal(&forged);
    forged.bytes[25] = 7;
    assert_refused(REASON_BAD_UDP_LENGTH);
    forged.bytes[25] = 17;
    assert_refused(REASON_BAD_UDP_LENGTH);
    forged.bytes[25] = 12; /* bytes behind the UDP length are allowed */
    assert_accepted(PACKET_HAS_L4, 20, 28);
    forged.bytes[9] = IPPROTO_UDPLITE;
    assert_accepted(PACKET_HAS_L4, 20, 28);
    forged.bytes[25] = 0;
    assert_accepted(PACKET_HAS_L4, 20, 28);
    forged.bytes[25] = 7;
    assert_refused(REASON_BAD_UDP_LENGTH);
    forged.bytes[25] = 17;
    assert_refused(REASON_BAD_UDP_LENGTH);
}

static void test_dccp_header_length(void **state)
{
    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_DCCP);
    forge_dccp(&forged, 4);
    forge_seal(&forged);
    assert_accepted(PACKET_HAS_L4, 20, 36);
    forged.bytes[24] = 3;
    assert_refused(REASON_BAD_DCCP_HEADER_LENGTH);
    forged.bytes[24] = 6;
    assert_refused(REASON_BAD_DCCP_HEADER_LENGTH);
    forged.bytes[24] = 3;
    forged.bytes[28] = 0; /* short sequence numbers */
    assert_accepted(PACKET_HAS_L4, 20, 32);
}

static void test_unknown_protocols_have_no_l4(void **state)
{
    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_ICMPV6);
    forge_seal_ip(&forged);
    assert_accepted(0, 20, 20);
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_ICMP);
    forge_seal_ip(&forged);
    assert_accepted(0, 40, 40);
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_GRE);
    forge_bytes(&forged, "gre", 3);
    forge_seal_ip(&forged);
    assert_accepted(0, 20, 20);
}

static void test_accessors(void **state)
{
    struct packet packet;

    (void)state;
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_TCP);
    forge_tcp(&forged, 0x12, NULL, 0, 5);
    forge_seal(&forged);
    forged.bytes[0] = 0x6b; /* traffic class 0xb8 */
    forged.bytes[1] = 0x80;
    packet = forged_packet(&forged);
    assert_int_equal(packet_tos(&packet), 0xb8);
    assert_int_equal(packet_ttl(&packet), 64);
    assert_int_equal(packet_sport(&packet), 1234);
    assert_int_equal(packet_dport(&packet), 80);
    assert_true(packet_is_tcp(&packet));
    assert_int_equal(packet_tcp_flags(&packet), 0x12);
    assert_false(packet_is_icmp(&packet));
    assert_int_equal(packet_src(&packet)[5], 1);
    assert_int_equal(packet_dst(&packet)[5], 2);
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_ICMP);
    forge_icmp(&forged, 3, 13, 0);
    forge_seal(&forged);
    packet = forged_packet(&forged);
    assert_true(packet_is_icmp(&packet));
    assert_int_equal(packet_icmp_type(&packet), 3);
    assert_int_equal(packet_icmp_code(&packet), 13);
    assert_false(packet_has_ports(&packet));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_and_version),
        cmocka_unit_test(test_truncated_ip_header),
        cmocka_unit_test(test_ip4_header_length),
        cmocka_unit_test(test_total_length),
        cmocka_unit_test(test_what_lies_behind_is_cut),
        cmocka_unit_test(test_ip4_options),
        cmocka_unit_test(test_source_route_is_seen_while_under_way),
        cmocka_unit_test(test_extension_headers_of_every_kind),
        cmocka_unit_test(test_routing_header_with_stops_left),
        cmocka_unit_test(test_home_address),
        cmocka_unit_test(test_extension_header_faults),
        cmocka_unit_test(test_number_of_extension_headers),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_atomic_fragment_is_whole),
        cmocka_unit_test(test_later_fragment_is_not_followed),
        cmocka_unit_test(test_fragment_reaching_too_far),
        cmocka_unit_test(test_truncated_l4_header),
        cmocka_unit_test(test_tcp_header_length),
        cmocka_unit_test(test_tcp_options),
        cmocka_unit_test(test_tcp_timestamp),
        cmocka_unit_test(test_udp_length),
        cmocka_unit_test(test_dccp_header_length),
        cmocka_unit_test(test_unknown_protocols_have_no_l4),
        cmocka_unit_test(test_accessors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
