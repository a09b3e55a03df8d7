/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine: start and stop from any state, budget of a wake-up, dead descriptors. */
#include "../unit.h"
#include "engine.h"
#include "fakes.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SENT = 270,      /* more than one wake-up may take, less than a socket holds */
    PER_WAKEUP = 256 /* four batches of 64 */
};

static void start(struct engine *engine)
{
    struct loaded loaded = {.config = NULL};

    assert_int_equal(load_configuration(NULL, NULL, &loaded), 0);
    assert_int_equal(engine_start(engine, NULL, &loaded), 0);
    assert_null(loaded.config);
}

static void test_failed_start_leaves_nothing(void **state)
{
    struct loaded loaded = {.config = NULL};
    struct engine engine;

    (void)state;
    fakes_reset();
    fakes.start_error = -EBUSY;
    assert_int_equal(load_configuration(NULL, NULL, &loaded), 0);
    assert_int_equal(engine_start(&engine, NULL, &loaded), -EBUSY);
    assert_null(loaded.config);
    assert_null(engine.loaded.config);
    assert_null(engine.batch);
    assert_int_equal(engine_stop(&engine), 0);
    assert_int_equal(fakes.stops, 0);
}

static void test_description(void **state)
{
    struct engine engine;
    char text[128];

    (void)state;
    fakes_reset();
    start(&engine);
    assert_string_equal(engine_describe(&engine, text, sizeof(text)),
                        "Diverting out through tun0, 1 rule");
    engine.loaded.config->divert.directions = DIRECTIONS_OUT | DIRECTIONS_FORWARD;
    assert_string_equal(engine_describe(&engine, text, sizeof(text)),
                        "Diverting out, forward through tun0, 1 rule");
    engine_describe(&engine, text, 12);
    assert_in_range(strlen(text), 10, 11);
    assert_memory_equal(text, "Diverting ", 10);
    assert_int_equal(engine_stop(&engine), 0);
    assert_int_equal(fakes.withdrawals, 1);
    assert_int_equal(fakes.stops, 1);
}

/* A datagram socket stands in for the tun device: it keeps the borders of packets too. */
static void test_wakeup_has_a_budget(void **state)
{
    const char packet[] = "?";
    struct engine engine;
    int ends[2];

    (void)state;
    fakes_reset();
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    fakes.tun_fd = ends[0];
    start(&engine);
    for (int i = 0; i < SENT; i++) {
        if (send(ends[1], packet, sizeof(packet), 0) < 0)
            fail_msg("the socket took only %d packets", i);
    }
    assert_int_equal(engine_move_packets(&engine), 0);
    assert_int_equal(path_counters(engine.path)->in, PER_WAKEUP);
    assert_int_equal(engine_move_packets(&engine), 0);
    assert_int_equal(path_counters(engine.path)->in, SENT);
    assert_int_equal(engine_move_packets(&engine), 0);
    assert_int_equal(path_counters(engine.path)->in, SENT);
    assert_int_equal(path_counters(engine.path)->drops[REASON_BAD_VERSION], SENT);
    close(ends[0]);
    close(ends[1]);
    engine_stop(&engine);
}

static void test_dead_descriptor_is_told(void **state)
{
    struct engine engine;

    (void)state;
    fakes_reset();
    start(&engine);
    assert_int_equal(engine_move_packets(&engine), -EBADF);
    engine_stop(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failed_start_leaves_nothing),
        cmocka_unit_test(test_description),
        cmocka_unit_test(test_wakeup_has_a_budget),
        cmocka_unit_test(test_dead_descriptor_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
