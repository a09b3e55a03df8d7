/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers: those of the published algorithm, the same for the same seed. */
#include "../unit.h"

#include "ipmodd/base/rng.h"

/* What other implementations of SplitMix64 give for this seed. */
static void test_known_values(void **state)
{
    struct rng rng = rng_make(1234567);

    (void)state;
    assert_true(rng_u64(&rng) == UINT64_C(6457827717110365317));
    assert_true(rng_u64(&rng) == UINT64_C(3203168211198807973));
    assert_true(rng_u64(&rng) == UINT64_C(9817491932198370423));
    assert_true(rng_u64(&rng) == UINT64_C(4593380528125082431));
    assert_true(rng_u64(&rng) == UINT64_C(16408922859458223821));
}

/* Narrow numbers are the upper bits of wide ones. */
static void test_widths(void **state)
{
    struct rng a = rng_make(1234567), b = a;

    (void)state;
    assert_int_equal(rng_u32(&a), UINT64_C(6457827717110365317) >> 32);
    assert_int_equal(rng_u16(&b), UINT64_C(6457827717110365317) >> 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_widths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
