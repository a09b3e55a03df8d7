/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Setters and fixup together: right checksums stay right, wrong ones stay wrong by as much. */
#include "../random.h"
#include "../unit.h"
#include "forge.h"
#include "ipmodd/datapath/edit.h"
#include "src/datapath/fixup.h"

#include <netinet/in.h>
#include <string.h>

enum { ROUNDS = 400 };

static struct forged forged;

static const uint8_t protos[FAMILY_COUNT][7] = {
    {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_ICMP,
     IPPROTO_GRE},
    {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_ICMPV6,
     IPPROTO_GRE},
};

static struct ip_addr addr(const char *text)
{
    struct ip_addr parsed;

    assert_int_equal(ip_addr_parse(text, &parsed), 0);
    return parsed;
}

static struct ip_addr random_addr(struct random *random, enum ip_family family)
{
    uint8_t bytes[16];

    random_fill(random, bytes, sizeof(bytes));
    return ip_addr_from_bytes(family, bytes);
}

static void forge_whole(enum ip_family family, uint8_t proto, size_t payload)
{
    forge_ip(&forged, family, proto);
    forge_l4(&forged, payload);
    forge_seal(&forged);
}

static bool forged_is_right(void)
{
    return checksums_are_right(forged.bytes, forged.length, forged.family, forged.proto, forged.l4);
}

static bool is_unwanted(const void *value, uint8_t kind)
{
    (void)value;
    return kind == 2;
}

static void edit_everything(struct random *random, struct packet *packet)
{
    struct ip_addr src = random_addr(random, packet->family);
    struct ip_addr dst = random_addr(random, packet->family);

    assert_true(edit_src(packet, &src));
    assert_true(edit_dst(packet, &dst));
    edit_sport(packet, (uint16_t)random_u64(random));
    edit_dport(packet, (uint16_t)random_u64(random));
    edit_ttl(packet, (uint8_t)random_u64(random));
    edit_tos(packet, (uint8_t)random_u64(random));
    edit_df(packet, random_u64(random) % 2 == 0);
    edit_tcp_mss(packet, (uint16_t)random_u64(random));
    edit_ip_id(packet, (uint16_t)random_u64(random));
    edit_flow_label(packet, (uint32_t)random_u64(random));
    edit_tcp_window(packet, (uint16_t)random_u64(random));
    edit_tcp_flags(packet, (uint8_t)random_u64(random));
    if (random_u64(random) % 4 == 0)
        edit_strip_tcp_options(packet, is_unwanted, NULL);
}

static void test_right_stays_right(void **state)
{
    struct random random = {1};

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        enum ip_family family = round % 2;
        struct packet packet;

        forge_whole(family, protos[family][random_below(&random, 7)], random_below(&random, 99));
        packet = forged_packet(&forged);
        edit_everything(&random, &packet);
        if (random_u64(&random) % 2 == 0)
            edit_everything(&random, &packet);
        fixup_packet(&packet);
        assert_true(forged_is_right());
        assert_false(fixup_is_damaged(&packet));
    }
}

/* How far a one's complement checksum is from right: the same before and after. */
static uint32_t wrongness(void)
{
    uint32_t right =
        naive_l4_checksum(forged.bytes, forged.length, forged.family, forged.proto, forged.l4);

    return (stored_l4_checksum(forged.bytes, forged.proto, forged.l4) + 0xffff - right) % 0xffff;
}

static void test_wrong_stays_wrong(void **state)
{
    struct random random = {2};

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        enum ip_family family = round % 2;
        uint8_t proto = protos[family][random_below(&random, 6)];
        struct packet packet;
        uint32_t before;

        if (proto == IPPROTO_SCTP)
            continue;
        forge_whole(family, proto, random_below(&random, 99));
        forged.bytes[forged.l4 + l4_checksum_place(proto)] ^= (uint8_t)(1 + round % 255);
        if (stored_l4_checksum(forged.bytes, proto, forged.l4) == 0)
            continue; /* for UDP that is none, not a wrong one */
        before = wrongness();
        packet = forged_packet(&forged);
        edit_everything(&random, &packet);
        fixup_packet(&packet);
        assert_int_not_equal(before, 0);
        assert_int_equal(wrongness(), before);
        assert_true(fixup_is_damaged(&packet));
    }
}

static void test_wrong_crc_stays_wrong(void **state)
{
    struct random random = {3};
    struct packet packet;

    (void)state;
    forge_whole(FAMILY_IPV4, IPPROTO_SCTP, 24);
    forged.bytes[forged.l4 + 8] ^= 0x55;
    packet = forged_packet(&forged);
    edit_everything(&random, &packet);
    fixup_packet(&packet);
    assert_int_equal(stored_l4_checksum(forged.bytes, IPPROTO_SCTP, forged.l4) ^
                         naive_l4_checksum(forged.bytes, forged.length, FAMILY_IPV4, IPPROTO_SCTP,
                                           forged.l4),
                     0x55);
    assert_true(fixup_is_damaged(&packet));
}

static uint32_t ip_header_wrongness(void)
{
    uint32_t stored = (uint32_t)forged.bytes[10] << 8 | forged.bytes[11];

    return (stored + 0xffff - naive_ip4_checksum(forged.bytes)) % 0xffff;
}

static void test_wrong_ip_header_stays_wrong(void **state)
{
    struct packet packet;
    uint32_t before;

    (void)state;
    forge_whole(FAMILY_IPV4, IPPROTO_UDP, 4);
    forged.bytes[10] ^= 1;
    before = ip_header_wrongness();
    packet = forged_packet(&forged);
    edit_ttl(&packet, 3);
    fixup_packet(&packet);
    assert_int_not_equal(before, 0);
    assert_int_equal(ip_header_wrongness(), before);
    assert_true(fixup_is_damaged(&packet));
}

/* Setting what is there already changes no byte, whatever the checksum. */
static void test_no_change_no_byte(void **state)
{
    static struct forged before;

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        for (unsigned checksum = 0; checksum <= 0xffff; checksum += 0x3333) {
            struct packet packet;
            struct ip_addr src, dst;

            forge_whole(family, IPPROTO_TCP, 10);
            forged.bytes[forged.l4 + 16] = (uint8_t)(checksum >> 8);
            forged.bytes[forged.l4 + 17] = (uint8_t)checksum;
            before = forged;
            packet = forged_packet(&forged);
            src = ip_addr_from_bytes(family, packet_src(&packet));
            dst = ip_addr_from_bytes(family, packet_dst(&packet));
            edit_src(&packet, &src);
            edit_dst(&packet, &dst);
            edit_sport(&packet, 1234);
            edit_dport(&packet, 80);
            edit_ttl(&packet, 64);
            edit_tos(&packet, 0);
            edit_df(&packet, false);
            edit_tcp_mss(&packet, 1460);
            fixup_packet(&packet);
            assert_memory_equal(forged.bytes, before.bytes, forged.length);
            assert_int_equal(packet.flags & PACKET_EDITED, 0);
        }
    }
}

static void test_udp_without_checksum(void **state)
{
    static const uint8_t udp_like[] = {IPPROTO_UDP, IPPROTO_UDPLITE};
    struct random random = {4};

    (void)state;
    for (unsigned round = 0; round < 4; round++) {
        struct packet packet;

        forge_whole(round % 2, udp_like[round / 2], 9);
        memset(forged.bytes + forged.l4 + 6, 0, 2);
        packet = forged_packet(&forged);
        edit_everything(&random, &packet);
        fixup_packet(&packet);
        assert_int_equal(stored_l4_checksum(forged.bytes, IPPROTO_UDP, forged.l4), 0);
        assert_false(fixup_is_damaged(&packet));
    }
}

static void test_sctp_without_checksum(void **state)
{
    struct packet packet;

    (void)state;
    forge_whole(FAMILY_IPV6, IPPROTO_SCTP, 8);
    memset(forged.bytes + forged.l4 + 8, 0, 4);
    packet = forged_packet(&forged);
    assert_true(edit_dport(&packet, 9999));
    fixup_packet(&packet);
    assert_int_equal(stored_l4_checksum(forged.bytes, IPPROTO_SCTP, forged.l4), 0);
    assert_false(fixup_is_damaged(&packet));
}

/* A port for which the sum comes out as 0: TCP sends 0, UDP sends 0xffff. */
static void test_computed_zero(void **state)
{
    static const uint8_t both[] = {IPPROTO_TCP, IPPROTO_UDP};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct packet packet;
        uint32_t port;

        forge_whole(FAMILY_IPV4, both[i], 6);
        packet = forged_packet(&forged);
        port = 1234 + stored_l4_checksum(forged.bytes, both[i], forged.l4);
        port = (port & 0xffff) + (port >> 16);
        assert_true(edit_sport(&packet, (uint16_t)port));
        fixup_packet(&packet);
        assert_int_equal(stored_l4_checksum(forged.bytes, both[i], forged.l4),
                         both[i] == IPPROTO_UDP ? 0xffff : 0);
        assert_true(forged_is_right());
        assert_true(edit_sport(&packet, 4321));
        fixup_packet(&packet);
        assert_true(forged_is_right());
    }
}

static void test_icmp_covers_no_addresses_but_icmp6_does(void **state)
{
    struct ip_addr src4 = addr("203.0.113.77"), src6 = addr("2001:db8:9::9");
    struct packet packet;
    uint32_t before;

    (void)state;
    forge_whole(FAMILY_IPV4, IPPROTO_ICMP, 8);
    before = stored_l4_checksum(forged.bytes, IPPROTO_ICMP, forged.l4);
    packet = forged_packet(&forged);
    edit_src(&packet, &src4);
    fixup_packet(&packet);
    assert_int_equal(stored_l4_checksum(forged.bytes, IPPROTO_ICMP, forged.l4), before);
    forge_whole(FAMILY_IPV6, IPPROTO_ICMPV6, 8);
    before = stored_l4_checksum(forged.bytes, IPPROTO_ICMPV6, forged.l4);
    packet = forged_packet(&forged);
    edit_src(&packet, &src6);
    fixup_packet(&packet);
    assert_int_not_equal(stored_l4_checksum(forged.bytes, IPPROTO_ICMPV6, forged.l4), before);
    assert_true(forged_is_right());
}

/* A datagram in two parts: after the same edit of both, what they join to is right. */
static void test_fragments_join_right(void **state)
{
    static struct forged whole, second;

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        struct random random = {5};
        struct ip_addr src = random_addr(&random, family), dst = random_addr(&random, family);
        struct packet packet;
        size_t cut = 16, l4;

        forge_whole(family, IPPROTO_UDP, 40);
        whole = forged;
        l4 = whole.l4;
        forge_ip(&forged, family, IPPROTO_UDP);
        forge_fragment(&forged, 0, true);
        forge_bytes(&forged, whole.bytes + l4, cut);
        forge_seal_ip(&forged);
        forge_ip(&second, family, IPPROTO_UDP);
        forge_fragment(&second, cut, false);
        forge_bytes(&second, whole.bytes + l4 + cut, whole.length - l4 - cut);
        forge_seal_ip(&second);

        packet = forged_packet(&forged);
        assert_true(edit_src(&packet, &src) && edit_dst(&packet, &dst));
        assert_true(edit_dport(&packet, 4444));
        fixup_packet(&packet);
        memcpy(whole.bytes + l4, forged.bytes + packet.l4_offset, cut);

        packet = forged_packet(&second);
        assert_true(edit_src(&packet, &src) && edit_dst(&packet, &dst));
        assert_false(edit_dport(&packet, 4444));
        fixup_packet(&packet);
        assert_memory_equal(whole.bytes + l4 + cut, second.bytes + packet.l4_offset,
                            whole.length - l4 - cut);

        packet = forged_packet(&whole);
        edit_src(&packet, &src);
        edit_dst(&packet, &dst);
        assert_int_equal(stored_l4_checksum(whole.bytes, IPPROTO_UDP, l4),
                         naive_l4_checksum(whole.bytes, whole.length, family, IPPROTO_UDP, l4));
    }
}

/* The checksum is here although the options are cut off: addresses must still be booked. */
static void test_first_fragment_without_whole_header(void **state)
{
    static const uint8_t nops[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    struct ip_addr src = addr("203.0.113.5");
    static struct forged whole;
    struct packet packet;

    (void)state;
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, 0x10, nops, sizeof(nops), 12);
    forge_seal(&forged);
    whole = forged;
    forge_fragment(&forged, 0, true);
    forged.length = forged.l4 + 24;
    forge_seal_ip(&forged);
    packet = forged_packet(&forged);
    assert_int_equal(packet.flags & PACKET_HAS_L4, 0);
    assert_true(edit_src(&packet, &src));
    fixup_packet(&packet);
    memcpy(whole.bytes + 12, src.bytes, 4);
    assert_int_equal(stored_l4_checksum(forged.bytes, IPPROTO_TCP, forged.l4),
                     naive_l4_checksum(whole.bytes, whole.length, FAMILY_IPV4, IPPROTO_TCP,
                                       whole.l4));
}

static void test_sctp_fragment_keeps_ports(void **state)
{
    struct packet packet;

    (void)state;
    forge_whole(FAMILY_IPV4, IPPROTO_SCTP, 20);
    forge_fragment(&forged, 0, true);
    forge_seal_ip(&forged);
    packet = forged_packet(&forged);
    assert_false(edit_sport(&packet, 7));
    assert_false(edit_dport(&packet, 7));
    assert_int_equal(packet_sport(&packet), 1234);
}

/* The next stop changes, the final destination in the pseudo-header does not. */
static void test_source_route(void **state)
{
    static const uint8_t route[22] = {4, 1};
    struct ip_addr dst = addr("2001:db8:7::7"), src = addr("2001:db8:8::8");
    struct packet packet;
    uint32_t before;

    (void)state;
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_UDP);
    forge_extension(&forged, IPPROTO_ROUTING, route, sizeof(route));
    forge_udp(&forged, 4);
    forge_seal(&forged);
    before = stored_l4_checksum(forged.bytes, IPPROTO_UDP, forged.l4);
    packet = forged_packet(&forged);
    assert_true(edit_dst(&packet, &dst));
    fixup_packet(&packet);
    assert_int_equal(stored_l4_checksum(forged.bytes, IPPROTO_UDP, forged.l4), before);
    assert_true(edit_src(&packet, &src));
    fixup_packet(&packet);
    assert_int_not_equal(stored_l4_checksum(forged.bytes, IPPROTO_UDP, forged.l4), before);
    assert_false(fixup_is_damaged(&packet));
}

/* The care-of address changes, the home address in the pseudo-header does not. */
static void test_home_address(void **state)
{
    static const uint8_t home[22] = {1, 2, 0, 0, 201, 16, 0x20, 1};
    struct ip_addr dst = addr("2001:db8:7::7"), src = addr("2001:db8:8::8");
    struct packet packet;
    uint32_t before;

    (void)state;
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_UDP);
    forge_extension(&forged, IPPROTO_DSTOPTS, home, sizeof(home));
    forge_udp(&forged, 4);
    forge_seal(&forged);
    before = stored_l4_checksum(forged.bytes, IPPROTO_UDP, forged.l4);
    packet = forged_packet(&forged);
    assert_true(edit_src(&packet, &src));
    fixup_packet(&packet);
    assert_int_equal(stored_l4_checksum(forged.bytes, IPPROTO_UDP, forged.l4), before);
    assert_true(edit_dst(&packet, &dst));
    fixup_packet(&packet);
    assert_int_not_equal(stored_l4_checksum(forged.bytes, IPPROTO_UDP, forged.l4), before);
    assert_false(fixup_is_damaged(&packet));
}

static void test_mss(void **state)
{
    static const uint8_t odd[8] = {1, 2, 4, 0x05, 0xb4, 1, 1, 0};
    static const uint8_t wrong_length[4] = {2, 3, 9, 1};
    static const uint8_t behind_end[8] = {1, 1, 1, 0, 2, 4, 9, 9};
    struct packet packet;
    uint16_t mss = 0;

    (void)state;
    forge_ip(&forged, FAMILY_IPV6, IPPROTO_TCP);
    forge_tcp(&forged, 0x12, odd, sizeof(odd), 0);
    forge_seal(&forged);
    packet = forged_packet(&forged);
    assert_true(packet_tcp_mss(&packet, &mss));
    assert_int_equal(mss, 1460);
    assert_true(edit_tcp_mss(&packet, 1360));
    fixup_packet(&packet);
    assert_true(packet_tcp_mss(&packet, &mss));
    assert_int_equal(mss, 1360);
    assert_true(forged_is_right());

    forged.bytes[forged.l4 + 13] = 0x10;
    assert_false(packet_tcp_mss(&packet, &mss));
    assert_false(edit_tcp_mss(&packet, 1000));

    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, 0x02, wrong_length, sizeof(wrong_length), 0);
    packet = (forge_seal(&forged), forged_packet(&forged));
    assert_false(edit_tcp_mss(&packet, 1000));
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, 0x02, behind_end, sizeof(behind_end), 0);
    packet = (forge_seal(&forged), forged_packet(&forged));
    assert_false(edit_tcp_mss(&packet, 1000));
}

static void test_traffic_class_keeps_its_neighbours(void **state)
{
    struct packet packet;

    (void)state;
    forge_whole(FAMILY_IPV6, IPPROTO_UDP, 0);
    forged.bytes[1] = 0x0f; /* flow label fff34 without its class */
    packet = forged_packet(&forged);
    assert_true(edit_tos(&packet, 0xab));
    assert_int_equal(packet_tos(&packet), 0xab);
    assert_int_equal(forged.bytes[0], 0x6a);
    assert_int_equal(forged.bytes[1], 0xbf);
    assert_int_equal(forged.bytes[2], 0x12);
}

static void test_setters_that_cannot_apply(void **state)
{
    struct ip_addr other6 = addr("2001:db8::9"), other4 = addr("192.0.2.9");
    static struct forged before;
    struct packet packet;

    (void)state;
    forge_whole(FAMILY_IPV4, IPPROTO_ICMP, 4);
    before = forged;
    packet = forged_packet(&forged);
    assert_false(edit_src(&packet, &other6));
    assert_false(edit_dst(&packet, &other6));
    assert_false(edit_sport(&packet, 1));
    assert_false(edit_dport(&packet, 1));
    assert_false(edit_tcp_mss(&packet, 1));
    fixup_packet(&packet);
    assert_memory_equal(forged.bytes, before.bytes, forged.length);
    forge_whole(FAMILY_IPV6, IPPROTO_UDP, 4);
    packet = forged_packet(&forged);
    assert_false(edit_src(&packet, &other4));
    assert_false(edit_df(&packet, true));
}

static void test_df(void **state)
{
    struct packet packet;

    (void)state;
    forge_whole(FAMILY_IPV4, IPPROTO_UDP, 4);
    packet = forged_packet(&forged);
    assert_true(edit_df(&packet, true));
    fixup_packet(&packet);
    assert_int_equal(forged.bytes[6], 0x40);
    assert_true(forged_is_right());
    assert_true(edit_df(&packet, false));
    fixup_packet(&packet);
    assert_int_equal(forged.bytes[6], 0);
    assert_int_equal(forged.bytes[4], 0x12);
    assert_true(forged_is_right());
}

/* UDP-Lite and DCCP cover what they say; the rest of the data may be anything. */
static void test_partial_coverage(void **state)
{
    struct packet packet;

    (void)state;
    forge_whole(FAMILY_IPV4, IPPROTO_UDPLITE, 20);
    forged.bytes[forged.l4 + 5] = 0;
    forge_seal(&forged);
    packet = forged_packet(&forged);
    assert_false(fixup_is_damaged(&packet));
    forged.bytes[forged.length - 1] ^= 1;
    assert_true(fixup_is_damaged(&packet));
    forge_whole(FAMILY_IPV4, IPPROTO_DCCP, 0);
    forged.bytes[forged.l4 + 5] = 1; /* the header alone */
    forge_seal(&forged);
    packet = forged_packet(&forged);
    assert_false(fixup_is_damaged(&packet));
    forged.bytes[forged.l4 + 15] ^= 1;
    assert_true(fixup_is_damaged(&packet));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_stays_right),
        cmocka_unit_test(test_wrong_stays_wrong),
        cmocka_unit_test(test_wrong_crc_stays_wrong),
        cmocka_unit_test(test_wrong_ip_header_stays_wrong),
        cmocka_unit_test(test_no_change_no_byte),
        cmocka_unit_test(test_udp_without_checksum),
        cmocka_unit_test(test_sctp_without_checksum),
        cmocka_unit_test(test_computed_zero),
        cmocka_unit_test(test_icmp_covers_no_addresses_but_icmp6_does),
        cmocka_unit_test(test_fragments_join_right),
        cmocka_unit_test(test_first_fragment_without_whole_header),
        cmocka_unit_test(test_sctp_fragment_keeps_ports),
        cmocka_unit_test(test_source_route),
        cmocka_unit_test(test_home_address),
        cmocka_unit_test(test_mss),
        cmocka_unit_test(test_traffic_class_keeps_its_neighbours),
        cmocka_unit_test(test_setters_that_cannot_apply),
        cmocka_unit_test(test_df),
        cmocka_unit_test(test_partial_coverage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
