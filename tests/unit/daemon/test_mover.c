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
        MOVER_TEST(test_all_is_moved_at_a_stop),
        MOVER_TEST(test_dead_descriptor_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
