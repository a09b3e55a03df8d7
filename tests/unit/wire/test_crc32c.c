/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CRC-32C: published values, a bitwise reference, and the difference rule. */
#include "../random.h"
#include "../unit.h"
#include "ipmodd/wire/crc32c.h"

#include <string.h>

enum { ROUNDS = 500, MAX_LENGTH = 1500 };

static uint32_t naive_crc(const uint8_t *bytes, size_t length)
{
    uint32_t crc = 0xffffffff;

    for (size_t bit = 0; bit < 8 * length; bit++) {
        crc ^= (uint32_t)(bytes[bit / 8] >> bit % 8 & 1);
        crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
    }
    return ~crc;
}

/* RFC 3720 B.4. */
static void test_published_values(void **state)
{
    uint8_t bytes[32] = {0};

    (void)state;
    assert_int_equal(crc32c(bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(crc32c(bytes, 32), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(crc32c(bytes, 32), 0x46dd794e);
    assert_int_equal(crc32c((const uint8_t *)"123456789", 9), 0xe3069283);
}

static void test_against_reference_in_runs(void **state)
{
    struct random random = {5};
    uint8_t bytes[MAX_LENGTH];

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t length = random_below(&random, MAX_LENGTH);
        size_t cut = random_below(&random, length + 1);

        random_fill(&random, bytes, length);
        assert_int_equal(crc32c_extend(crc32c(bytes, cut), bytes + cut, length - cut),
                         naive_crc(bytes, length));
    }
}

static void test_difference(void **state)
{
    struct random random = {6};
    uint8_t bytes[MAX_LENGTH], change[4];

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t length = 4 + random_below(&random, MAX_LENGTH - 4);
        size_t place = random_below(&random, length - 3);
        uint32_t before;

        random_fill(&random, bytes, length);
        random_fill(&random, change, sizeof(change));
        before = crc32c(bytes, length);
        for (size_t i = 0; i < sizeof(change); i++)
            bytes[place + i] ^= change[i];
        assert_int_equal(before ^ crc32c_difference(change, 4, length - place - 4),
                         crc32c(bytes, length));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_values),
        cmocka_unit_test(test_against_reference_in_runs),
        cmocka_unit_test(test_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
