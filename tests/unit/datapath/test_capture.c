/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captured packets: the ring, on one thread and on two, and what the path puts into it. */
#include "../random.h"
#include "../unit.h"
#include "forge.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/path.h"
#include "path_parts.h"
#include "rulebook.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

static struct record_ring ring;

static int set_up_ring(void **state)
{
    (void)state;
    return record_ring_init(&ring, CAPTURE_RING_BYTES);
}

static int tear_down_ring(void **state)
{
    (void)state;
    record_ring_clear(&ring);
    return 0;
}

/* A record whose bytes are all the lower byte of ID; false without room. */
static bool push(uint64_t id, size_t data)
{
    struct capture_record *record = record_ring_claim(&ring, sizeof(*record) + data);

    if (record == NULL)
        return false;
    record->id = id;
    record->captured = data;
    memset(record->data, (uint8_t)id, data);
    record_ring_push(&ring);
    return true;
}

static void assert_whole(const struct capture_record *record, uint64_t id)
{
    assert_int_equal(record->id, id);
    for (size_t i = 0; i < record->captured; i++) {
        if (record->data[i] != (uint8_t)id)
            fail_msg("byte %zu of record %llu", i, (unsigned long long)id);
    }
}

static void test_in_order_round_and_round(void **state)
{
    struct random random = {3};
    uint64_t pushed = 0, popped = 0;

    (void)state;
    while (pushed < 3000) { /* some twelve times the ring */
        for (size_t i = random_below(&random, 60); i > 0; i--)
            assert_true(push(pushed++, random_below(&random, 65536)));
        for (size_t i = random_below(&random, 200); i > 0 && popped < pushed; i--)
            assert_whole(record_ring_pop(&ring), popped++);
        if (pushed - popped > 60) {
            while (popped < pushed)
                assert_whole(record_ring_pop(&ring), popped++);
        }
    }
    while (popped < pushed)
        assert_whole(record_ring_pop(&ring), popped++);
    assert_null(record_ring_pop(&ring));
    assert_true(record_ring_is_empty(&ring));
    assert_int_equal(record_ring_lost(&ring), 0);
}

static void test_a_full_ring_counts(void **state)
{
    const struct capture_record *record;
    size_t kept = 0;

    (void)state;
    while (push(kept, 1000))
        kept++;
    assert_true(kept > CAPTURE_RING_BYTES / 2000);
    for (unsigned i = 0; i < 4; i++)
        assert_false(push(0, 1000));
    assert_int_equal(record_ring_lost(&ring), 5);
    for (size_t i = 0; i < kept; i++) {
        record = record_ring_pop(&ring);
        assert_whole(record, i);
        assert_int_equal(record->record.lost, 0);
    }
    assert_null(record_ring_pop(&ring));
    assert_true(push(9, 10));
    assert_true(push(10, 10));
    record = record_ring_pop(&ring);
    assert_int_equal(record->record.lost, 5); /* said once, at the gap */
    record = record_ring_pop(&ring);
    assert_int_equal(record->record.lost, 0);
}

/* Nothing is seen before it is pushed, and then all that was claimed. */
static void test_claimed_together(void **state)
{
    (void)state;
    assert_non_null(record_ring_claim(&ring, 105));
    assert_non_null(record_ring_claim(&ring, 106));
    assert_null(record_ring_pop(&ring));
    assert_true(record_ring_is_empty(&ring));
    record_ring_push(&ring);
    assert_non_null(record_ring_pop(&ring));
    assert_non_null(record_ring_pop(&ring));
    assert_null(record_ring_pop(&ring));
}

/* The last one that was claimed may still shrink or go away, those before it may not. */
static void test_what_is_not_pushed_may_shrink(void **state)
{
    struct capture_record *first = record_ring_claim(&ring, 1000), *second;
    const struct capture_record *popped;

    (void)state;
    assert_true(record_ring_shrink(&ring, &first->record, sizeof(*first)));
    second = record_ring_claim(&ring, 1000);
    assert_ptr_equal((uint8_t *)second, (uint8_t *)first + first->record.size);
    assert_false(record_ring_shrink(&ring, &first->record, 100));
    assert_false(record_ring_take_back(&ring, &first->record));
    first->id = 1;
    assert_true(record_ring_take_back(&ring, &second->record));
    assert_ptr_equal(record_ring_claim(&ring, 1000), second);
    second->id = 2;
    record_ring_push(&ring);
    popped = record_ring_pop(&ring);
    assert_int_equal(popped->id, 1);
    popped = record_ring_pop(&ring);
    assert_int_equal(popped->id, 2);
    assert_null(record_ring_pop(&ring));
}

/* What was lost before it is told by the record that comes in its place, also over the end. */
static void test_taking_back_loses_no_count(void **state)
{
    struct capture_record *record;
    size_t kept = 0;

    (void)state;
    while (push(kept, 1000))
        kept++;
    while (record_ring_pop(&ring) != NULL)
        continue;
    record = record_ring_claim(&ring, 5000);
    assert_int_equal(record->record.lost, 1);
    assert_true(record_ring_take_back(&ring, &record->record));
    assert_true(record_ring_is_empty(&ring));
    record = record_ring_claim(&ring, 300);
    assert_int_equal(record->record.lost, 1);
    record_ring_push(&ring);
    assert_ptr_equal(record_ring_pop(&ring), record);
    assert_null(record_ring_pop(&ring));
}

enum { THREADED = 40000 };

static void *fill(void *context)
{
    struct random random = {7};

    (void)context;
    for (uint64_t id = 0; id < THREADED; id++)
        push(id, random_below(&random, 3000));
    return NULL;
}

static void test_two_threads(void **state)
{
    const struct capture_record *record;
    uint64_t next = 0;
    size_t lost = 0;
    pthread_t filler;
    bool done = false;

    (void)state;
    assert_int_equal(pthread_create(&filler, NULL, fill, NULL), 0);
    while (!done) {
        record = record_ring_pop(&ring);
        if (record != NULL) {
            next += record->record.lost;
            lost += record->record.lost;
            assert_whole(record, next++);
        }
        done = next + record_ring_lost(&ring) - lost >= THREADED && record == NULL;
    }
    pthread_join(filler, NULL);
    assert_int_equal(next + (record_ring_lost(&ring) - lost), THREADED);
}

/* The path. */
struct fixture {
    struct host_view *view;
    struct ruleset *ruleset;
    struct path *path;
    struct batch *batch;
};

static struct forged forged;

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture.view = host_view_new(NULL, 0, NULL, 0, NULL, 0);
    fixture.ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    fixture.batch = batch_new();
    fixture.path = NULL;
    *state = &fixture;
    return fixture.view == NULL || fixture.ruleset == NULL || fixture.batch == NULL;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    path_parts_free(fixture->path, fixture->ruleset, fixture->view, fixture->batch);
    return 0;
}

/* A rule that captures SNAP bytes and does ACTION with VALUE. */
static void add(struct fixture *fixture, const char *name, uint32_t snap,
                const struct action_type *action, uintptr_t value)
{
    struct rule rule = rulebook_rule(name);

    rule.capture = calloc(1, sizeof(*rule.capture));
    assert_non_null(rule.capture);
    *rule.capture = (struct rule_capture){
        .name = strdup("capture"),
        .file_size = 1 << 20,
        .files = 3,
        .snap_length = snap,
        .what = strdup(name),
    };
    if (action != NULL)
        assert_int_equal(rule_add_action(&rule, action, rulebook_value(value)), 0);
    assert_int_equal(ruleset_add(fixture->ruleset, &rule), 0);
}

static struct record_ring *run(struct fixture *fixture, enum ip_family family)
{
    const struct moment now = {.now_ns = SECOND, .wall_ns = 7 * SECOND};

    if (fixture->path == NULL)
        fixture->path = path_new(fixture->ruleset, fixture->view);
    assert_non_null(fixture->path);
    forge_ip(&forged, family, IPPROTO_UDP);
    forge_udp(&forged, 20);
    forge_seal(&forged);
    batch_reset(fixture->batch);
    memcpy(batch_next_buffer(fixture->batch), forged.bytes, forged.length);
    batch_commit(fixture->batch, forged.length);
    path_run(fixture->path, fixture->batch, &now);
    return path_captures(fixture->path);
}

static void test_an_unchanged_packet_once(void **state)
{
    struct fixture *fixture = *state;
    const struct capture_record *record;

    add(fixture, "looks-on", 65535, NULL, 0);
    record = record_ring_pop(run(fixture, FAMILY_IPV4));
    assert_non_null(record);
    assert_int_equal(record->stage, CAPTURE_ONLY);
    assert_int_equal(record->fate, FATE_PENDING);
    assert_int_equal(record->direction, DIRECTION_FORWARD);
    assert_int_equal(record->time_ns, 7 * SECOND);
    assert_int_equal(record->length, forged.length);
    assert_int_equal(record->captured, forged.length);
    assert_int_equal(record->segments, 1);
    assert_int_equal(record->file_size, 1 << 20);
    assert_int_equal(record->files, 3);
    assert_string_equal(record->name, "capture");
    assert_string_equal(record->what, "looks-on");
    assert_memory_equal(record->data, forged.bytes, forged.length);
    assert_null(record_ring_pop(path_captures(fixture->path)));
}

/* Each copy has right checksums, also in between. */
static void test_a_changed_packet_twice(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, "first", 65535, &action_dport, 81);
    add(fixture, "second", 65535, &action_ttl, 9);
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        struct record_ring *captures = run(fixture, family);

        for (unsigned i = 0; i < 4; i++) {
            const struct capture_record *record = record_ring_pop(captures);

            assert_non_null(record);
            assert_int_equal(record->stage, i % 2 == 0 ? CAPTURE_BEFORE : CAPTURE_AFTER);
            assert_int_equal(record->id, 2 * family + i / 2);
            assert_string_equal(record->what, i < 2 ? "first" : "second");
            assert_int_equal(record->data[forged.l4 + 3], i == 0 ? 80 : 81);
            assert_int_equal(record->data[family == FAMILY_IPV4 ? 8 : 7], i == 3 ? 9 : 64);
            assert_true(checksums_are_right(record->data, record->captured, family, IPPROTO_UDP,
                                            forged.l4));
        }
        assert_null(record_ring_pop(captures));
    }
}

static void test_what_was_decided(void **state)
{
    struct fixture *fixture = *state;
    const struct capture_record *record;

    add(fixture, "no", 65535, &action_drop, 0);
    record = record_ring_pop(run(fixture, FAMILY_IPV6));
    assert_int_equal(record->stage, CAPTURE_ONLY);
    assert_int_equal(record->fate, FATE_DROP);
    assert_int_equal(record->reason, REASON_RULE);
}

/* A change behind what is kept is none that could be shown. */
static void test_snap_length(void **state)
{
    struct fixture *fixture = *state;
    const struct capture_record *record;

    add(fixture, "short", 8, &action_ttl, 9);
    record = record_ring_pop(run(fixture, FAMILY_IPV4));
    assert_int_equal(record->stage, CAPTURE_ONLY);
    assert_int_equal(record->captured, 8);
    assert_int_equal(record->length, forged.length);
    assert_memory_equal(record->data, forged.bytes, 8);
    assert_null(record_ring_pop(path_captures(fixture->path)));
}

/* Nobody drains: packets go on, and what is lost is counted. */
static void test_nobody_drains(void **state)
{
    struct fixture *fixture = *state;
    unsigned packets = CAPTURE_RING_BYTES / 400;

    add(fixture, "looks-on", 65535, &action_ttl, 9);
    for (unsigned i = 0; i < packets; i++)
        run(fixture, FAMILY_IPV4);
    assert_int_equal(path_counters(fixture->path)->out, packets);
    assert_true(record_ring_lost(path_captures(fixture->path)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_order_round_and_round, set_up_ring, tear_down_ring),
        cmocka_unit_test_setup_teardown(test_a_full_ring_counts, set_up_ring, tear_down_ring),
        cmocka_unit_test_setup_teardown(test_claimed_together, set_up_ring, tear_down_ring),
        cmocka_unit_test_setup_teardown(test_what_is_not_pushed_may_shrink, set_up_ring,
                                        tear_down_ring),
        cmocka_unit_test_setup_teardown(test_taking_back_loses_no_count, set_up_ring,
                                        tear_down_ring),
        cmocka_unit_test_setup_teardown(test_two_threads, set_up_ring, tear_down_ring),
        cmocka_unit_test_setup_teardown(test_an_unchanged_packet_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_changed_packet_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_decided, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snap_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_drains, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
