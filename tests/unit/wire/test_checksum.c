/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internet checksums against a naive reference, whole and by difference. */
#include "../random.h"
#include "../unit.h"
#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/checksum.h"

#include <string.h>

enum { ROUNDS = 5000, MAX_LENGTH = 300 };

/* RFC 1071 by the letter: word by word, carry by carry. */
static uint16_t naive_sum(const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < length; i++) {
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
        if (sum > 0xffff)
            sum -= 0xffff;
    }
    return (uint16_t)sum;
}

static void test_rfc_1071_example(void **state)
{
    const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

    (void)state;
    assert_int_equal(sum_bytes(bytes, sizeof(bytes)), 0xddf2);
}

static void test_sum_against_reference(void **state)
{
    struct random random = {1};
    uint8_t bytes[MAX_LENGTH + 8];

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t start = random_below(&random, 8);
        size_t length = random_below(&random, MAX_LENGTH);

        random_fill(&random, bytes, sizeof(bytes));
        assert_int_equal(sum_bytes(bytes + start, length), naive_sum(bytes + start, length));
    }
}

static void test_largest_packet(void **state)
{
    static uint8_t bytes[65535];

    (void)state;
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(sum_bytes(bytes, sizeof(bytes)), naive_sum(bytes, sizeof(bytes)));
    assert_int_equal(sum_bytes(bytes, 0), 0);
}

/* Changes anywhere, at odd places too: the adjusted checksum is the recomputed one. */
static void test_difference_against_reference(void **state)
{
    struct random random = {2};
    uint8_t before[MAX_LENGTH], after[MAX_LENGTH];

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t place = random_below(&random, MAX_LENGTH - 20);
        size_t length = random_below(&random, 20);
        uint16_t difference, adjusted;

        random_fill(&random, before, sizeof(before));
        memcpy(after, before, sizeof(after));
        random_fill(&random, after + place, length);
        difference = sum_change(0, place, before + place, after + place, length);
        adjusted =
            checksum_adjust(checksum_from_sum(sum_bytes(before, sizeof(before))), difference);
        assert_int_equal(adjusted, checksum_from_sum(sum_bytes(after, sizeof(after))));
    }
}

/* A word changed is its two bytes changed. */
static void test_difference_of_a_word(void **state)
{
    struct random random = {4};

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t old[2], new[2];
        uint16_t sum = (uint16_t)random_u64(&random);
        uint16_t whole, word;

        random_fill(&random, old, sizeof(old));
        random_fill(&random, new, sizeof(new));
        whole = sum_change(sum, 0, old, new, sizeof(old));
        word = sum_change_word(sum, be16_load(old), be16_load(new));
        assert_int_equal(word % 0xffff, whole % 0xffff);
    }
}

/* The trap that RFC 1624 was written for: the result is 0, not 0xffff. */
static void test_rfc_1624_example(void **state)
{
    const uint8_t old[] = {0x55, 0x55}, new[] = {0x32, 0x85};

    (void)state;
    assert_int_equal(checksum_adjust(0xdd2f, sum_change(0, 0, old, new, 2)), 0x0000);
    assert_int_equal(checksum_adjust(0xdd2f, sum_change_word(0, 0x5555, 0x3285)), 0x0000);
}

static void test_wrong_stays_wrong_by_the_same(void **state)
{
    struct random random = {3};

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t old[4], new[4];
        uint16_t wrong = (uint16_t)random_u64(&random), moved;

        random_fill(&random, old, sizeof(old));
        random_fill(&random, new, sizeof(new));
        moved = checksum_adjust(wrong, sum_change(0, 0, old, new, sizeof(old)));
        moved = checksum_adjust(moved, sum_change(0, 0, new, old, sizeof(old)));
        assert_int_equal(moved % 0xffff, wrong % 0xffff);
    }
}

static void test_no_change_keeps_every_checksum(void **state)
{
    const uint8_t same[] = {0x12, 0x34, 0x56};

    (void)state;
    for (unsigned checksum = 0; checksum <= 0xffff; checksum++) {
        uint16_t difference = sum_change(0, 1, same, same, sizeof(same));

        assert_int_equal(checksum_adjust((uint16_t)checksum, difference), checksum);
    }
}

/* The pseudo-headers as the RFCs draw them. */
static void test_pseudo_headers(void **state)
{
    struct random random = {4};
    uint8_t drawn4[12] = {[9] = 17}, drawn6[40] = {[39] = 58};

    (void)state;
    random_fill(&random, drawn4, 8);
    be16_store(drawn4 + 10, 1234);
    assert_int_equal(sum_pseudo_ip4(drawn4, drawn4 + 4, 17, 1234), naive_sum(drawn4, 12));
    random_fill(&random, drawn6, 32);
    be32_store(drawn6 + 32, 70000);
    assert_int_equal(sum_pseudo_ip6(drawn6, drawn6 + 16, 58, 70000), naive_sum(drawn6, 40));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_1071_example),
        cmocka_unit_test(test_sum_against_reference),
        cmocka_unit_test(test_largest_packet),
        cmocka_unit_test(test_difference_against_reference),
        cmocka_unit_test(test_difference_of_a_word),
        cmocka_unit_test(test_rfc_1624_example),
        cmocka_unit_test(test_wrong_stays_wrong_by_the_same),
        cmocka_unit_test(test_no_change_keeps_every_checksum),
        cmocka_unit_test(test_pseudo_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
