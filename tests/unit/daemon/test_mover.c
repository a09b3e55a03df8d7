/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moving packets: the budget of a wake-up, dead descriptors, what is left at a stop. */
#include "../unit.h"
#include "ipmodd/datapath/ruleset.h"
#include "mover.h"
#include "tun_end.h"

#include <errno.h>

enum {
    SENT = 270,      /* more than one wake-up may take, less than a socket holds */
    PER_WAKEUP = 257 /* one alone, four batches of 64 */
};

/* What each packet takes by the clock that the mover sees; the real time is of no matter. */
static struct {
    const struct path *path; /* NULL: the clock stands */
    uint64_t packet_ns;
} slow;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    uint64_t ns = slow.path != NULL ? path_counters(slow.path)->in * slow.packet_ns : 0;

    (void)clock;
    *ret_time =
        (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    return 0;
}

struct fixture {
    struct tun_end tun;
    struct ruleset *ruleset;
    struct host_view *view;
    struct mover mover;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture.tun = tun_end_open();
    fixture.ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    fixture.view = host_view_new(NULL, 0, NULL, 0, NULL, 0);
    *state = &fixture;
    return mover_init(&fixture.mover, fixture.tun.fd, fixture.ruleset, fixture.view);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    mover_clear(&fixture->mover);
    ruleset_free(fixture->ruleset);
    host_view_free(fixture->view);
    slow.path = NULL;
    tun_end_close(&fixture->tun);
    return 0;
}

/* Packets of no IP version. */
static void send_packets(const struct fixture *fixture)
{
    const char packet[VNET_HEADER + 2] = {[VNET_HEADER] = '?'};

    for (int i = 0; i < SENT; i++) {
        if (send(fixture->tun.far, packet, sizeof(packet), 0) < 0)
            fail_msg("the socket took only %d packets", i);
    }
}

static void test_wakeup_has_a_budget(void **state)
{
    struct fixture *fixture = *state;
    const struct path_counters *counters = path_counters(fixture->mover.path);

    send_packets(fixture);
    assert_int_equal(mover_move(&fixture->mover), 1);
    assert_int_equal(counters->in, PER_WAKEUP);
    assert_int_equal(mover_move(&fixture->mover), 0);
    assert_int_equal(counters->in, SENT);
    assert_int_equal(mover_move(&fixture->mover), 0);
    assert_int_equal(counters->in, SENT);
    assert_int_equal(counters->drops[REASON_BAD_VERSION], SENT);
}

/* A call waits for a wake-up, so batches of packets that take long become small. */
static void test_slow_packets_come_in_small_batches(void **state)
{
    struct fixture *fixture = *state;
    const struct path_counters *counters = path_counters(fixture->mover.path);

    slow.path = fixture->mover.path;
    slow.packet_ns = 200000;
    send_packets(fixture);
    assert_int_equal(mover_move(&fixture->mover), 1);
    assert_int_equal(counters->in, 1 + BATCH_PACKETS); /* so far nobody could know */
    assert_int_equal(mover_move(&fixture->mover), 1);
    assert_int_equal(counters->in, 1 + BATCH_PACKETS + 1 + 4); /* two batches of two */
    slow.packet_ns = 700000;
    assert_int_equal(mover_move(&fixture->mover), 1);
    assert_int_equal(counters->in, 1 + BATCH_PACKETS + 5 + 1 + 2);
    assert_int_equal(mover_move(&fixture->mover), 1);
    assert_int_equal(counters->in, 1 + BATCH_PACKETS + 8 + 1 + 1); /* never none */
    slow.path = NULL;
    assert_int_equal(mover_move(&fixture->mover), 0); /* the rest, in large ones again */
    assert_int_equal(counters->in, SENT);
}

static void test_all_is_moved_at_a_stop(void **state)
{
    struct fixture *fixture = *state;

    send_packets(fixture);
    mover_drain(&fixture->mover);
    assert_int_equal(path_counters(fixture->mover.path)->in, SENT);
}

static void test_dead_descriptor_is_told(void **state)
{
    struct fixture *fixture = *state;

    fixture->mover.tun_fd = -1;
    assert_int_equal(mover_move(&fixture->mover), -EBADF);
    mover_drain(&fixture->mover);
}

#define MOVER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MOVER_TEST(test_wakeup_has_a_budget),
        MOVER_TEST(test_slow_packets_come_in_small_batches),
        MOVER_TEST(test_all_is_moved_at_a_stop),
        MOVER_TEST(test_dead_descriptor_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
