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

/* Whether writes of super-packets fail with EINVAL. */
static bool refusing;

ssize_t __real_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);

ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
    if (refusing && length > VNET_HEADER && ((const uint8_t *)bytes)[VNET_GSO_TYPE] != 0) {
        errno = EINVAL;
        return -1;
    }
    return __real_write(fd, bytes, length);
}

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
    const char packet[VNET_HEADER + 2] = {[VNET_HEADER] = '?'};
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
    assert_int_equal(engine_move_packets(&engine), 1);
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

/* A UDP datagram over IPv4 with two segments of one byte. */
static const uint8_t super_packet[VNET_HEADER + 30] = {
    [VNET_FLAGS] = VNET_NEEDS_CSUM, [VNET_GSO_TYPE] = VNET_GSO_UDP, [VNET_GSO_SIZE] = 1,
    [VNET_CSUM_START] = 20,         [VNET_CSUM_OFFSET] = 6,         [VNET_HEADER] = 0x45,
    [VNET_HEADER + 3] = 30,                                  /* total length */
    [VNET_HEADER + 8] = 64,                                  /* TTL */
    [VNET_HEADER + 9] = 17,         [VNET_HEADER + 25] = 10, /* UDP length */
};

static void test_refused_offload_is_given_up(void **state)
{
    struct engine engine;
    int ends[2];

    (void)state;
    fakes_reset();
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    fakes.tun_fd = ends[0];
    start(&engine);
    for (unsigned i = 1; i <= 4; i++) {
        refusing = i != 2;
        assert_int_equal(send(ends[1], super_packet, sizeof(super_packet), 0),
                         sizeof(super_packet));
        assert_int_equal(engine_move_packets(&engine), 0);
        assert_int_equal(path_counters(engine.path)->out, 2 * i);
        assert_int_equal(fakes.given_up, i < 4 ? 0 : 1u << OFFLOAD_UDP);
    }
    refusing = false;
    assert_int_equal(path_counters(engine.path)->gso_refused, 3);
    close(ends[0]);
    close(ends[1]);
    engine_stop(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failed_start_leaves_nothing),
        cmocka_unit_test(test_description),
        cmocka_unit_test(test_wakeup_has_a_budget),
        cmocka_unit_test(test_dead_descriptor_is_told),
        cmocka_unit_test(test_refused_offload_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
