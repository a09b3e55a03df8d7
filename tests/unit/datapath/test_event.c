/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of events, with both sides on one thread and on two. */
#include "../unit.h"
#include "ipmodd/datapath/event.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

enum { EVENTS = 200000 };

static struct event_ring ring;

static int empty_ring(void **state)
{
    (void)state;
    memset(&ring, 0, sizeof(ring));
    return 0;
}

/* An event that is NUMBER in two places, so that half of one would show. */
static bool push(size_t number)
{
    struct event *event = event_ring_claim(&ring);

    if (event == NULL)
        return false;
    event->length = number;
    event->segments = number;
    event_ring_push(&ring);
    return true;
}

static void test_order_and_capacity(void **state)
{
    size_t number = 0;

    (void)state;
    assert_true(event_ring_is_empty(&ring));
    assert_null(event_ring_pop(&ring));
    for (size_t round = 0; round < 5; round++) {
        for (size_t i = 0; i < EVENT_RING_SIZE; i++)
            assert_true(push(number + i));
        assert_false(push(0));
        assert_int_equal(event_ring_lost(&ring), round + 1);
        for (size_t i = 0; i < EVENT_RING_SIZE; i++)
            assert_int_equal(event_ring_pop(&ring)->length, number++);
        assert_null(event_ring_pop(&ring));
        assert_true(event_ring_is_empty(&ring));
    }
}

/* What is claimed and not pushed cannot be seen, and what is popped is not written over. */
static void test_slots_in_use(void **state)
{
    const struct event *popped;

    (void)state;
    assert_non_null(event_ring_claim(&ring));
    assert_null(event_ring_pop(&ring));
    for (size_t i = 0; i < EVENT_RING_SIZE; i++)
        assert_true(push(i));
    popped = event_ring_pop(&ring);
    assert_false(push(EVENT_RING_SIZE));
    assert_int_equal(popped->length, 0);
    assert_int_equal(event_ring_pop(&ring)->length, 1);
    assert_true(push(EVENT_RING_SIZE));
}

static void *fill(void *context)
{
    for (size_t i = 0; i < EVENTS; i++) {
        push(i);
        if (i % (EVENT_RING_SIZE / 2) == 0)
            sched_yield(); /* or one side would be done before the other has begun */
    }
    return context;
}

/* Nothing twice, nothing torn, in order, and what is missing is counted. */
static void test_two_threads(void **state)
{
    size_t popped = 0, next = 0;
    const struct event *event;
    pthread_t filler;

    (void)state;
    assert_int_equal(pthread_create(&filler, NULL, fill, NULL), 0);
    while (next < EVENTS && popped + event_ring_lost(&ring) < EVENTS) {
        event = event_ring_pop(&ring);
        if (event == NULL) {
            sched_yield();
            continue;
        }
        assert_int_equal(event->length, event->segments);
        assert_true(event->length >= next);
        next = event->length + 1;
        popped++;
    }
    pthread_join(filler, NULL);
    assert_null(event_ring_pop(&ring));
    assert_int_equal(popped + event_ring_lost(&ring), EVENTS);
    assert_true(popped >= EVENT_RING_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order_and_capacity, empty_ring),
        cmocka_unit_test_setup(test_slots_in_use, empty_ring),
        cmocka_unit_test_setup(test_two_threads, empty_ring),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
