/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine: start and stop from any state, and what it makes of notices. */
#include "../unit.h"
#include "engine.h"
#include "fakes.h"
#include "tun_end.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

/* Whether writes of super-packets fail with EINVAL. */
static atomic_bool refusing;

ssize_t __real_live_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_live_write(int fd, const void *bytes, size_t length);

ssize_t __wrap_live_write(int fd, const void *bytes, size_t length)
{
    if (refusing && length > VNET_HEADER && ((const uint8_t *)bytes)[VNET_GSO_TYPE] != 0) {
        errno = EINVAL;
        return -1;
    }
    return __real_live_write(fd, bytes, length);
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
    assert_int_equal(engine.worker_count, 0);
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

/* A UDP datagram over IPv4 with two segments of one byte. */
static const uint8_t super_packet[VNET_HEADER + 30] = {
    [VNET_FLAGS] = VNET_NEEDS_CSUM, [VNET_GSO_TYPE] = VNET_GSO_UDP, [VNET_GSO_SIZE] = 1,
    [VNET_CSUM_START] = 20,         [VNET_CSUM_OFFSET] = 6,         [VNET_HEADER] = 0x45,
    [VNET_HEADER + 3] = 30,                                  /* total length */
    [VNET_HEADER + 8] = 64,                                  /* TTL */
    [VNET_HEADER + 9] = 17,         [VNET_HEADER + 25] = 10, /* UDP length */
};

static void await(struct engine *engine, unsigned notices)
{
    struct pollfd ready = {.fd = engine->notice_fd, .events = POLLIN};
    eventfd_t count;

    do {
        assert_int_equal(poll(&ready, 1, 60000), 1);
        eventfd_read(engine->notice_fd, &count);
    } while (engine_take_notices(engine, notices) == 0);
}

static struct path_counters count_all(struct engine *engine)
{
    struct path_counters counters;

    engine_count(engine, &counters);
    return counters;
}

static void test_refused_offload_is_given_up(void **state)
{
    struct engine engine;
    struct tun_end tun = tun_end_open();

    (void)state;
    fakes_reset();
    fakes.tun_fd = tun.fd;
    start(&engine);
    assert_int_equal(engine_run(&engine), 0);
    refusing = true;
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(fakes.given_up, 0);
        assert_int_equal(send(tun.far, super_packet, sizeof(super_packet), 0),
                         sizeof(super_packet));
        await(&engine, NOTICE_REFUSED);
        engine_judge_offloads(&engine);
        assert_int_equal(count_all(&engine).out, 2 * i);
        assert_int_equal(count_all(&engine).gso_refused, i);
    }
    assert_int_equal(fakes.given_up, 1u << OFFLOAD_UDP);
    engine_stop(&engine);
    refusing = false;
    tun_end_close(&tun);
}

/* Each queue has a worker, and what they count adds up. */
static void test_queues(void **state)
{
    const char packet[VNET_HEADER + 2] = {[VNET_HEADER] = '?'};
    struct tun_end tun = tun_end_open();
    struct engine engine;

    (void)state;
    fakes_reset();
    fakes.queues = 4;
    fakes.tun_fd = tun.fd; /* of all of them */
    start(&engine);
    assert_int_equal(engine.worker_count, 4);
    assert_int_equal(engine_run(&engine), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(send(tun.far, packet, sizeof(packet), 0), sizeof(packet));
    engine_beat(&engine);
    while (count_all(&engine).in < 100)
        await(&engine, ~0u);
    assert_int_equal(count_all(&engine).drops[REASON_BAD_VERSION], 100);
    assert_int_equal(engine_stop(&engine), 0);
    tun_end_close(&tun);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failed_start_leaves_nothing),
        cmocka_unit_test(test_description),
        cmocka_unit_test(test_refused_offload_is_given_up),
        cmocka_unit_test(test_queues),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
