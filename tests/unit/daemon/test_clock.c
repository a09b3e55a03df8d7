/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local time follows the zone of the host, as of when it was read. */
#include "../unit.h"
#include "clock.h"

#include <stdlib.h>

static void assert_offset(const char *zone_name, int32_t expected)
{
    struct zone zone;
    struct moment moment;

    setenv("TZ", zone_name, 1);
    zone_load(&zone);
    moment = clock_read(&zone);
    assert_int_equal(moment.utc_offset_s, expected);
    assert_int_equal(moment_local_s(&moment), (int64_t)(moment.wall_ns / 1000000000) + expected);
    setenv("TZ", "UTC0", 1); /* not read again before the next load */
    assert_int_equal(clock_read(&zone).utc_offset_s, expected);
}

static void test_zones(void **state)
{
    (void)state;
    assert_offset("UTC0", 0);
    assert_offset("IST-5:30", 19800);
    assert_offset("EST5", -18000);
}

static void test_clocks_go_forward(void **state)
{
    struct zone zone;
    struct moment first, second;
    time_t now = time(NULL);

    (void)state;
    zone_load(&zone);
    first = clock_read(&zone);
    second = clock_read(&zone);
    assert_true(first.now_ns > 0 && second.now_ns >= first.now_ns);
    assert_true((time_t)(first.wall_ns / 1000000000) >= now);
    assert_true((time_t)(first.wall_ns / 1000000000) <= time(NULL) + 1); /* which lags a tick */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_clocks_go_forward),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
