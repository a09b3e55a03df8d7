/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The token bucket: burst, refill, exactness in the long run. */
#include "../unit.h"
#include "ipmodd/base/bucket.h"

enum { SECOND = 1000000000 };

static unsigned take_all(struct bucket *bucket, uint64_t now_ns)
{
    unsigned taken = 0;

    while (bucket_take(bucket, now_ns))
        taken++;
    return taken;
}

static void test_burst_then_rate(void **state)
{
    struct bucket bucket = bucket_make(10, SECOND, 5);
    uint64_t now = 7 * (uint64_t)SECOND;

    (void)state;
    assert_int_equal(take_all(&bucket, now), 5);
    assert_int_equal(take_all(&bucket, now + SECOND / 10 - 1), 0);
    assert_int_equal(take_all(&bucket, now + SECOND / 10), 1);
    assert_int_equal(take_all(&bucket, now + SECOND), 5);
}

static void test_long_run_is_exact(void **state)
{
    struct bucket bucket = bucket_make(100, SECOND, 1);
    unsigned taken = 0;

    (void)state;
    for (uint64_t now = SECOND; now < 11 * (uint64_t)SECOND; now += SECOND / 1000)
        taken += bucket_take(&bucket, now);
    assert_int_equal(taken, 1000);
}

static void test_starts_full_at_time_zero(void **state)
{
    struct bucket bucket = bucket_make(1, SECOND, 3);

    (void)state;
    assert_int_equal(take_all(&bucket, 0), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_then_rate),
        cmocka_unit_test(test_long_run_is_exact),
        cmocka_unit_test(test_starts_full_at_time_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
