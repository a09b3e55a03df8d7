/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads under a stream of packets: calls, notices, new rules, a dead queue, the stop. */
#include "../unit.h"
#include "ipmodd/datapath/ruleset.h"
#include "tun_end.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/un.h>

enum {
    WORKERS = 3,
    EXCHANGES = 300,
    CIRCLING = 100, /* more than a batch */
};

/* Queues with a thread each, and one more that keeps them all busy. */
struct fixture {
    struct tun_end tuns[WORKERS];
    struct worker *workers[WORKERS];
    struct ruleset *ruleset;
    struct host_view *view;
    int notice_fd;
    pthread_t sender;
    atomic_bool enough;
    atomic_size_t sent;
};

static void add_rule(struct ruleset *ruleset, const char *name, bool logs)
{
    struct rule rule;

    assert_int_equal(rule_init(&rule, name, "a.conf", 1), 0);
    rule.logs = logs;
    rule.log = (struct rule_log){LEVEL_INFO, {1000000, 1}, 1000000};
    assert_int_equal(ruleset_add(ruleset, &rule), 0);
}

static struct ruleset *make_ruleset(bool logs)
{
    struct ruleset *ruleset = ruleset_new(POLICY_DROP, MALFORMED_DROP);

    add_rule(ruleset, "another", false);
    add_rule(ruleset, "all", logs);
    return ruleset;
}

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture.ruleset = make_ruleset(true);
    fixture.view = host_view_new(NULL, 0, NULL, 0, NULL, 0);
    fixture.notice_fd = eventfd(0, EFD_NONBLOCK);
    atomic_store(&fixture.enough, false);
    atomic_store(&fixture.sent, 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        struct mover mover;

        fixture.tuns[i] = tun_end_open();
        assert_int_equal(mover_init(&mover, fixture.tuns[i].fd, fixture.ruleset, fixture.view), 0);
        assert_int_equal(worker_new(i, &mover, fixture.notice_fd, &fixture.workers[i]), 0);
    }
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < WORKERS; i++) {
        worker_free(fixture->workers[i]);
        tun_end_close(&fixture->tuns[i]);
    }
    close(fixture->notice_fd);
    ruleset_free(fixture->ruleset);
    host_view_free(fixture->view);
    return 0;
}

/* An ICMP message of three bytes too few to be one; the rules do not care. */
static const uint8_t packet[VNET_HEADER + 25] = {
    [VNET_HEADER] = 0x45,
    [VNET_HEADER + 3] = 25,
    [VNET_HEADER + 8] = 64,
    [VNET_HEADER + 9] = 253,
};

static void *send_packets(void *context)
{
    struct fixture *fixture = context;

    for (unsigned i = 0; !atomic_load(&fixture->enough); i = (i + 1) % WORKERS) {
        if (send(fixture->tuns[i].far, packet, sizeof(packet), 0) > 0)
            atomic_fetch_add(&fixture->sent, 1);
    }
    return NULL;
}

static void start(struct fixture *fixture)
{
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(worker_start(fixture->workers[i]), 0);
    assert_int_equal(pthread_create(&fixture->sender, NULL, send_packets, fixture), 0);
}

static void stop(struct fixture *fixture)
{
    atomic_store(&fixture->enough, true);
    pthread_join(fixture->sender, NULL);
    for (unsigned i = 0; i < WORKERS; i++)
        worker_leave(fixture->workers[i]);
    for (unsigned i = 0; i < WORKERS; i++)
        worker_join(fixture->workers[i]);
}

/* Waits for one of NOTICES of worker NUMBER. */
static void await(struct fixture *fixture, unsigned number, unsigned notices)
{
    struct pollfd ready = {.fd = fixture->notice_fd, .events = POLLIN};
    eventfd_t count;

    while (worker_take_notices(fixture->workers[number], notices) == 0) {
        assert_int_equal(poll(&ready, 1, 60000), 1);
        eventfd_read(fixture->notice_fd, &count);
    }
}

struct sums {
    struct path_counters totals;
    struct rule_counters rules[2];
    uint64_t events;
};

static void add(struct mover *mover, void *argument)
{
    struct sums *sums = argument;

    path_add_counters(mover->path, &sums->totals);
    path_add_rule_counters(mover->path, sums->rules);
}

/* The events of all workers, each of a rule that is still there. */
static uint64_t drain(struct fixture *fixture)
{
    const struct event *event;
    uint64_t count = 0;

    for (unsigned i = 0; i < WORKERS; i++) {
        while ((event = event_ring_pop(worker_events(fixture->workers[i]))) != NULL) {
            assert_string_equal(event->rule->name, "all");
            count++;
        }
    }
    return count;
}

static void exchange(struct mover *mover, void *argument)
{
    path_exchange_rules(mover->path, argument);
}

static void set_view(struct mover *mover, void *argument)
{
    path_set_host_view(mover->path, argument);
}

/* Rules and view anew in all workers; the old ones are freed. */
static void publish(struct fixture *fixture, struct sums *sums)
{
    struct ruleset *ruleset = make_ruleset(true);
    struct host_view *view = host_view_new(NULL, 0, NULL, 0, NULL, 0);

    for (unsigned i = 0; i < WORKERS; i++) {
        struct path_rules *rules = path_rules_new(ruleset, fixture->ruleset);

        worker_call(fixture->workers[i], exchange, rules);
        worker_call(fixture->workers[i], set_view, view);
        path_rules_free(rules);
    }
    sums->events += drain(fixture);
    ruleset_free(fixture->ruleset);
    host_view_free(fixture->view);
    fixture->ruleset = ruleset;
    fixture->view = view;
}

/* Nothing is counted twice or forgotten, and nobody looks at what was freed. */
static void test_exchange_under_load(void **state)
{
    struct fixture *fixture = *state;
    struct sums sums = {.events = 0};
    uint64_t lost = 0;

    start(fixture);
    for (unsigned i = 0; i < WORKERS; i++)
        await(fixture, i, NOTICE_EVENTS);
    for (int i = 0; i < EXCHANGES; i++)
        publish(fixture, &sums);
    stop(fixture);
    sums.events += drain(fixture);
    for (unsigned i = 0; i < WORKERS; i++) {
        worker_call(fixture->workers[i], add, &sums);
        lost += event_ring_lost(worker_events(fixture->workers[i]));
    }
    assert_true(sums.totals.in >= WORKERS);
    assert_int_equal(sums.totals.in, fixture->sent);
    assert_int_equal(sums.totals.drops[REASON_POLICY], sums.totals.in);
    assert_int_equal(sums.rules[0].packets, sums.totals.in);
    assert_int_equal(sums.rules[1].packets, sums.totals.in);
    assert_int_equal(sums.events + lost, sums.totals.in);
}

static void test_packets_are_noticed_once(void **state)
{
    struct fixture *fixture = *state;

    start(fixture);
    await(fixture, 1, NOTICE_PACKETS);
    await(fixture, 1, NOTICE_PACKETS);
    stop(fixture);
    worker_take_notices(fixture->workers[1], NOTICE_PACKETS);
    assert_int_equal(worker_take_notices(fixture->workers[1], NOTICE_PACKETS), 0);
    drain(fixture);
}

static void set_descriptor(struct mover *mover, void *argument)
{
    mover->tun_fd = *(const int *)argument;
}

/* EBADF, much as from a queue without a device. */
static void test_dead_queue_waits(void **state)
{
    struct fixture *fixture = *state;
    struct sums before = {.events = 0}, after = {.events = 0};
    const int none = -1;

    start(fixture);
    await(fixture, 2, NOTICE_PACKETS);
    worker_call(fixture->workers[2], set_descriptor, (void *)&none);
    await(fixture, 2, NOTICE_TUN_DEAD);
    worker_call(fixture->workers[2], set_descriptor, &fixture->tuns[2].fd);
    worker_call(fixture->workers[2], add, &before);
    worker_take_notices(fixture->workers[2], NOTICE_PACKETS);
    worker_resume(fixture->workers[2]);
    await(fixture, 2, NOTICE_PACKETS);
    worker_call(fixture->workers[2], add, &after);
    assert_true(after.totals.in > before.totals.in);
    stop(fixture);
    drain(fixture);
}

static void set_busy_poll(struct mover *mover, void *argument)
{
    mover->busy_poll_ns = *(const uint64_t *)argument;
}

static atomic_uint yields;

int __wrap_sched_yield(void);

/* Others do not get the processor, so that none of them can have it for long. */
int __wrap_sched_yield(void)
{
    atomic_fetch_add(&yields, 1);
    return 0;
}

/* Sends one packet to worker 0 and waits until it is counted. */
static void move_one(struct fixture *fixture)
{
    struct sums before = {.events = 0}, after;

    worker_call(fixture->workers[0], add, &before);
    assert_true(send(fixture->tuns[0].far, packet, sizeof(packet), 0) > 0);
    do {
        after = (struct sums){.events = 0};
        worker_call(fixture->workers[0], add, &after);
    } while (after.totals.in == before.totals.in);
    drain(fixture);
}

/* A call is answered and the stop comes in the meantime, or this would take ten seconds. */
static void test_stays_awake_while_packets_come_soon(void **state)
{
    struct fixture *fixture = *state;
    const struct timespec wait = {.tv_nsec = 1000000};
    const uint64_t long_time = UINT64_C(10000000000);

    atomic_store(&yields, 0);
    assert_int_equal(worker_start(fixture->workers[0]), 0);
    for (int i = 0; i < 10; i++)
        move_one(fixture);
    assert_int_equal(atomic_load(&yields), 0);
    worker_call(fixture->workers[0], set_busy_poll, (void *)&long_time);
    move_one(fixture);
    assert_true(send(fixture->tuns[0].far, packet, sizeof(packet), 0) > 0);
    for (int i = 0; i < 20000 && atomic_load(&yields) < 3; i++)
        nanosleep(&wait, NULL);
    assert_true(atomic_load(&yields) >= 3);
    move_one(fixture);
    worker_leave(fixture->workers[0]);
    worker_join(fixture->workers[0]);
}

/*
 * Whether worker 0 sleeps behind a packet with many bytes; a busy machine may have it look late.
 * No call meanwhile: that would end its looking.
 */
static bool sleeps_after_bulk(struct fixture *fixture)
{
    static uint8_t large[VNET_HEADER + 40000];
    const struct timespec wait = {.tv_nsec = 20000000};
    unsigned before;

    memcpy(large, packet, sizeof(packet));
    large[VNET_HEADER + 2] = 40000 >> 8;
    large[VNET_HEADER + 3] = 40000 & 0xff;
    assert_true(send(fixture->tuns[0].far, large, sizeof(large), 0) > 0);
    nanosleep(&wait, NULL);
    before = atomic_load(&yields);
    nanosleep(&wait, NULL);
    return atomic_load(&yields) == before;
}

static void test_sleeps_beside_a_transfer(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t long_time = UINT64_C(10000000000);
    bool slept = false;

    assert_int_equal(worker_start(fixture->workers[0]), 0);
    worker_call(fixture->workers[0], set_busy_poll, (void *)&long_time);
    for (int i = 0; i < 100 && !slept; i++) {
        move_one(fixture);
        slept = sleeps_after_bulk(fixture);
    }
    assert_true(slept);
    worker_leave(fixture->workers[0]);
    worker_join(fixture->workers[0]);
}

/* What was sent before the stop is moved, however little time there was. */
static void test_stop_moves_what_is_left(void **state)
{
    struct fixture *fixture = *state;
    struct sums sums = {.events = 0};

    start(fixture);
    stop(fixture);
    for (unsigned i = 0; i < WORKERS; i++)
        worker_call(fixture->workers[i], add, &sums);
    assert_int_equal(sums.totals.in, fixture->sent);
    drain(fixture);
}

/* What is written to the socket comes back from it. */
static int open_circle(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX}; /* the kernel chooses a name */
    socklen_t length = sizeof(address);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, length), 0);
    for (int i = 0; i < CIRCLING; i++)
        assert_int_equal(send(fd, packet, sizeof(packet), 0), sizeof(packet));
    return fd;
}

/* A queue that never runs empty keeps neither a call waiting nor the stop. */
static void test_calls_come_between_packets_without_end(void **state)
{
    struct fixture *fixture = *state;
    struct ruleset *ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_PASS);
    struct sums before = {.events = 0}, after = {.events = 0};
    int fd = open_circle();
    struct worker *worker;
    struct mover mover;

    assert_int_equal(mover_init(&mover, fd, ruleset, fixture->view), 0);
    assert_int_equal(worker_new(0, &mover, fixture->notice_fd, &worker), 0);
    assert_int_equal(worker_start(worker), 0);
    worker_call(worker, add, &before);
    for (int i = 0; i < EXCHANGES || after.totals.in <= before.totals.in + CIRCLING; i++) {
        assert_true(i < 1000 * EXCHANGES);
        worker_call(worker, add, &after);
    }
    worker_leave(worker);
    worker_join(worker);
    worker_free(worker);
    ruleset_free(ruleset);
    close(fd);
}

/* Who waits for the end of a connection or of a file waits for the main thread alone. */
static void test_keeps_nothing_of_others_open(void **state)
{
    struct fixture *fixture = *state;
    int before[2], after[2], pipes[2];
    char byte;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, before), 0);
    assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
    assert_int_equal(worker_start(fixture->workers[0]), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, after), 0);
    move_one(fixture);
    close(before[1]);
    close(after[1]);
    close(pipes[1]);
    assert_int_equal(recv(before[0], &byte, 1, 0), 0);
    assert_int_equal(recv(after[0], &byte, 1, 0), 0);
    assert_int_equal(read(pipes[0], &byte, 1), 0);
    worker_leave(fixture->workers[0]);
    worker_join(fixture->workers[0]);
    close(before[0]);
    close(after[0]);
    close(pipes[0]);
}

#define WORKER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(test_exchange_under_load),
        WORKER_TEST(test_packets_are_noticed_once),
        WORKER_TEST(test_calls_come_between_packets_without_end),
        WORKER_TEST(test_stays_awake_while_packets_come_soon),
        WORKER_TEST(test_sleeps_beside_a_transfer),
        WORKER_TEST(test_dead_queue_waits),
        WORKER_TEST(test_stop_moves_what_is_left),
        WORKER_TEST(test_keeps_nothing_of_others_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
