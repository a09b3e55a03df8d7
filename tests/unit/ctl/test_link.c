/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the IP packet of a frame begins, link type by link type, whole and cut short. */
#include "../unit.h"
#include "link.h"

#include <string.h>

enum { MACS = 12, NO_IP = -1 };

/* Offset of the IP packet of a frame, or NO_IP. */
static int offset(enum link_type type, const uint8_t *frame, size_t length)
{
    size_t found;

    return link_find_ip(type, frame, length, &found) ? (int)found : NO_IP;
}

/* In each prefix of the frame that is shorter than its header, nothing is found. */
static void check(enum link_type type, const uint8_t *frame, size_t length, int expected)
{
    for (size_t cut = 0; cut < length; cut++)
        assert_int_equal(offset(type, frame, cut), NO_IP);
    assert_int_equal(offset(type, frame, length), expected);
}

/* Behind two addresses. */
static void check_ethernet(const uint8_t *rest, size_t length, int expected)
{
    uint8_t frame[MACS + 32] = {0};

    memcpy(frame + MACS, rest, length);
    check(LINK_ETHERNET, frame, MACS + length, expected);
}

static void test_ethernet(void **state)
{
    static const uint8_t ip4[] = {0x08, 0x00}, ip6[] = {0x86, 0xdd}, arp[] = {0x08, 0x06};
    static const uint8_t length_field[] = {0x00, 0x20};
    static const uint8_t vlan[] = {0x81, 0x00, 0x00, 0x05, 0x08, 0x00};
    static const uint8_t qinq[] = {0x88, 0xa8, 0x00, 0x03, 0x81, 0x00, 0x00, 0x05, 0x86, 0xdd};
    static const uint8_t old[] = {0x91, 0x00, 0x00, 0x03, 0x81, 0x00, 0x00, 0x05, 0x08, 0x00};
    static const uint8_t vlan_arp[] = {0x81, 0x00, 0x00, 0x05, 0x08, 0x06};

    (void)state;
    check_ethernet(ip4, sizeof(ip4), 14);
    check_ethernet(ip6, sizeof(ip6), 14);
    check_ethernet(arp, sizeof(arp), NO_IP);
    check_ethernet(length_field, sizeof(length_field), NO_IP);
    check_ethernet(vlan, sizeof(vlan), 18);
    check_ethernet(qinq, sizeof(qinq), 22);
    check_ethernet(old, sizeof(old), 22);
    check_ethernet(vlan_arp, sizeof(vlan_arp), NO_IP);
}

static void test_cooked(void **state)
{
    static const uint8_t sll[16] = {[14] = 0x86, 0xdd};
    static const uint8_t sll_vlan[20] = {[14] = 0x81, 0x00, 0x00, 0x05, 0x08, 0x00};
    static const uint8_t sll_arp[16] = {[14] = 0x08, 0x06};
    static const uint8_t sll2[20] = {0x08, 0x00};
    static const uint8_t sll2_vlan[24] = {0x81, 0x00, [20] = 0x00, 0x05, 0x08, 0x00};

    (void)state;
    check(LINK_SLL, sll, sizeof(sll), 16);
    check(LINK_SLL, sll_vlan, sizeof(sll_vlan), 20);
    check(LINK_SLL, sll_arp, sizeof(sll_arp), NO_IP);
    check(LINK_SLL2, sll2, sizeof(sll2), 20);
    check(LINK_SLL2, sll2_vlan, sizeof(sll2_vlan), 24);
}

static void test_loopback(void **state)
{
    static const uint8_t little[] = {2, 0, 0, 0}, big[] = {0, 0, 0, 30}, other[] = {7, 0, 0, 0};

    (void)state;
    check(LINK_NULL, little, 4, 4);
    check(LINK_NULL, big, 4, 4);
    check(LINK_NULL, other, 4, NO_IP);
    check(LINK_LOOP, big, 4, 4);
    check(LINK_LOOP, little, 4, NO_IP);
}

/* What is raw is the pipeline's to judge, an empty packet too. */
static void test_raw(void **state)
{
    (void)state;
    assert_int_equal(offset(LINK_RAW, (const uint8_t *)"", 0), 0);
    assert_int_equal(offset(LINK_RAW, (const uint8_t *)"E", 1), 0);
}

static void test_answers_turn_round(void **state)
{
    uint8_t ethernet[14] = {1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16, 0x08, 0x00};
    uint8_t sll[16] = {0, 4, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, [14] = 0x08, 0x00};
    uint8_t sll2[20] = {0x08, 0x00, [7] = 2, [10] = 0, 6, 1, 2, 3, 4, 5, 6};
    uint8_t null[4] = {2, 0, 0, 0};
    static const uint8_t no_address[8] = {0};

    (void)state;
    link_turn_round(LINK_ETHERNET, ethernet);
    assert_memory_equal(ethernet, "\x0b\x0c\x0d\x0e\x0f\x10\x01\x02\x03\x04\x05\x06\x08\x00", 14);
    link_turn_round(LINK_SLL, sll);
    assert_memory_equal(sll, "\0\0\0\1\0\0", 6);
    assert_memory_equal(sll + 6, no_address, 8);
    link_turn_round(LINK_SLL, sll);
    assert_int_equal(sll[1], 4);
    link_turn_round(LINK_SLL2, sll2);
    assert_int_equal(sll2[7], 2);
    assert_int_equal(sll2[10], 4);
    assert_int_equal(sll2[11], 0);
    assert_memory_equal(sll2 + 12, no_address, 8);
    link_turn_round(LINK_NULL, null);
    assert_memory_equal(null, "\2\0\0\0", 4);
}

static void test_names(void **state)
{
    (void)state;
    for (enum link_type i = 0; i < LINK_TYPE_COUNT; i++) {
        for (enum link_type j = 0; j < i; j++)
            assert_string_not_equal(link_type_name(i), link_type_name(j));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ethernet),           cmocka_unit_test(test_cooked),
        cmocka_unit_test(test_loopback),           cmocka_unit_test(test_raw),
        cmocka_unit_test(test_answers_turn_round), cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
