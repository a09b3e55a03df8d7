/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flow table against a plain list, full, flooded, and by the clock. */
#include "../random.h"
#include "../resident.h"
#include "../unit.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/flow.h"
#include "src/datapath/flow/mapping.h"
#include "src/datapath/flow/table.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)

enum { CAPACITY = 256, STEPS = 200000 };

static struct flow_tuple make_tuple(uint32_t number)
{
    struct flow_tuple tuple = {.sport = 1234, .dport = 80, .proto = IPPROTO_UDP};

    memcpy(tuple.src, &number, sizeof(number));
    tuple.dst[0] = 198;
    return tuple;
}

static struct flow *add(struct flow_table *table, uint32_t number, uint64_t now_ns)
{
    const struct flow_tuple tuple = make_tuple(number), turned = flow_tuple_turn(&tuple);
    struct flow *flow = flow_table_add(table, &tuple, &turned, now_ns);

    if (flow != NULL)
        flow->class = FLOW_CLASS_UDP;
    return flow;
}

/* A packet of the other side. */
static void answer(struct flow_table *table, struct flow *flow, uint64_t now_ns)
{
    const struct packet packet = {.proto = IPPROTO_UDP, .segments = 1};

    assert_true(flow_follow(table, flow, FLOW_REPLY, &packet, now_ns));
}

static struct flow *find(struct flow_table *table, uint32_t number, uint64_t now_ns)
{
    const struct flow_tuple tuple = make_tuple(number);
    enum flow_way way = FLOW_WAYS;
    struct flow *flow = flow_table_find(table, &tuple, now_ns, &way);

    assert_true(flow == NULL || way == FLOW_ORIGINAL);
    return flow;
}

static struct flow *find_reply(struct flow_table *table, uint32_t number, uint64_t now_ns)
{
    const struct flow_tuple tuple = make_tuple(number), turned = flow_tuple_turn(&tuple);
    enum flow_way way = FLOW_WAYS;
    struct flow *flow = flow_table_find(table, &turned, now_ns, &way);

    assert_true(flow == NULL || way == FLOW_REPLY);
    return flow;
}

static int set_up(void **state)
{
    struct flow_limits limits = flow_limits_default();

    limits.max = CAPACITY;
    *state = flow_table_new(&limits, 42);
    return *state == NULL;
}

static int tear_down(void **state)
{
    flow_table_free(*state);
    return 0;
}

static void test_both_ways_lead_to_the_entry(void **state)
{
    struct flow_table *table = *state;
    struct flow *flow = add(table, 1, 0);

    assert_non_null(flow);
    assert_ptr_equal(find(table, 1, 0), flow);
    assert_ptr_equal(find_reply(table, 1, 0), flow);
    assert_null(find(table, 2, 0));
    flow_table_remove(table, flow, FLOW_END_FLUSHED, 0);
    assert_null(find(table, 1, 0));
    assert_null(find_reply(table, 1, 0));
    assert_int_equal(flow_table_count(table), 0);
}

/*
 * Where a tuple stands follows from a secret, so that nobody outside can choose tuples that meet;
 * which one does not change under flows that are there.
 */
static void test_hash_is_seeded(void **state)
{
    struct flow_table *table = *state;
    const struct flow_tuple tuple = make_tuple(1);
    uint64_t hash = table_hash(table, &tuple, sizeof(tuple));

    flow_table_seed(table, 43);
    assert_true(table_hash(table, &tuple, sizeof(tuple)) != hash);
    flow_table_seed(table, 42);
    assert_true(table_hash(table, &tuple, sizeof(tuple)) == hash);
    add(table, 1, 0);
    flow_table_seed(table, 43);
    assert_true(table_hash(table, &tuple, sizeof(tuple)) == hash);
}

static void test_a_translated_flow_has_its_own_reply(void **state)
{
    struct flow_table *table = *state;
    const struct flow_tuple original = make_tuple(1);
    struct flow_tuple reply = flow_tuple_turn(&original);
    enum flow_way way;
    struct flow *flow;

    reply.dport = 55666;
    flow = flow_table_add(table, &original, &reply, 0);
    assert_true(flow_is_translated(flow));
    assert_ptr_equal(flow_table_find(table, &reply, 0, &way), flow);
    assert_int_equal(way, FLOW_REPLY);
    assert_null(find_reply(table, 1, 0));
    assert_false(flow_is_translated(add(table, 2, 0)));
}

/* From an address to itself with one port: its own answer. */
static void test_a_flow_to_itself(void **state)
{
    struct flow_table *table = *state;
    struct flow_tuple tuple = make_tuple(1);
    enum flow_way way;
    struct flow *flow;

    memcpy(tuple.dst, tuple.src, sizeof(tuple.dst));
    tuple.dport = tuple.sport;
    flow = flow_table_add(table, &tuple, &tuple, 0);
    assert_ptr_equal(flow_table_find(table, &tuple, 0, &way), flow);
    flow_table_remove(table, flow, FLOW_END_FLUSHED, 0);
    assert_null(flow_table_find(table, &tuple, 0, &way));
}

/* Numbers of flows that are there, with each step done twice: here and in the table. */
static void test_against_a_list(void **state)
{
    struct flow_table *table = *state;
    struct random random = {.state = (uint64_t)time(NULL)};
    bool there[2 * CAPACITY] = {false};
    size_t count = 0;

    print_message("seed %llu\n", (unsigned long long)random.state);
    for (int i = 0; i < STEPS; i++) {
        uint32_t number = (uint32_t)random_below(&random, ARRAY_SIZE(there));
        struct flow *flow = find(table, number, 0);

        assert_true((flow != NULL) == there[number]);
        assert_ptr_equal(find_reply(table, number, 0), flow);
        if (flow != NULL && random_below(&random, 2) == 0) {
            flow_table_remove(table, flow, FLOW_END_FLUSHED, 0);
            there[number] = false;
            count--;
        } else if (flow == NULL && count < CAPACITY - 1) {
            assert_non_null(add(table, number, 0));
            there[number] = true;
            count++;
        }
        assert_int_equal(flow_table_count(table), count);
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(there); i++)
        assert_true((find(table, i, 0) != NULL) == there[i]);
}

static void test_ends_by_the_clock(void **state)
{
    const uint64_t limit_ns = flow_limits_default().timeouts_s[FLOW_CLASS_UDP] * SECOND_NS;
    struct flow_table *table = *state;
    struct flow *flow = add(table, 1, SECOND_NS);

    assert_int_equal(flow_time_left(table, flow, SECOND_NS), limit_ns);
    assert_non_null(find(table, 1, limit_ns));
    assert_null(find(table, 1, limit_ns + SECOND_NS));
    assert_int_equal(flow_table_count(table), 0);
    assert_int_equal(flow_table_counters(table)->ended, 1);
}

static void test_hand_removes_what_is_over(void **state)
{
    const uint64_t limit_ns = flow_limits_default().timeouts_s[FLOW_CLASS_UDP] * SECOND_NS;
    struct flow_table *table = *state;

    for (uint32_t i = 0; i < 100; i++)
        add(table, i, i < 60 ? 0 : SECOND_NS);
    flow_table_sweep(table, 50, limit_ns);
    assert_int_equal(flow_table_count(table), 50);
    flow_table_sweep(table, CAPACITY, limit_ns);
    assert_int_equal(flow_table_count(table), 40);
    flow_table_sweep(table, CAPACITY, limit_ns + SECOND_NS);
    assert_int_equal(flow_table_count(table), 0);
}

static void test_list(void **state)
{
    struct flow_table *table = *state;
    size_t cursor = 0, seen = 0;

    for (uint32_t i = 0; i < 10; i++)
        add(table, i, 0);
    flow_table_remove(table, find(table, 3, 0), FLOW_END_FLUSHED, 0);
    while (flow_table_next(table, &cursor, SIZE_MAX, SECOND_NS) != NULL)
        seen++;
    assert_int_equal(seen, 9);
    assert_int_equal(cursor, flow_table_used(table));
    cursor = 0;
    assert_null(flow_table_next(table, &cursor, SIZE_MAX, 1000 * SECOND_NS));
}

/* Looking ends where it should, also among entries that hold nothing. */
static void test_part_of_a_list(void **state)
{
    struct flow_table *table = *state;
    size_t cursor = 0;

    for (uint32_t i = 0; i < 10; i++)
        add(table, i, 0);
    for (uint32_t i = 0; i < 8; i++)
        flow_table_remove(table, find(table, i, 0), FLOW_END_FLUSHED, 0);
    assert_null(flow_table_next(table, &cursor, 6, 0));
    assert_int_equal(cursor, 6);
    assert_non_null(flow_table_next(table, &cursor, 9, 0));
    assert_int_equal(cursor, 9);
    assert_null(flow_table_next(table, &cursor, 9, 0));
    assert_int_equal(cursor, 9);
}

/* Whether the number in FLOW's tuple is odd; counts how often it was asked. */
static bool is_odd(const void *context, const struct flow *flow)
{
    size_t *const *asked = context;
    uint32_t number;

    (**asked)++;
    memcpy(&number, flow->tuples[FLOW_ORIGINAL].src, sizeof(number));
    return number % 2 == 1;
}

static void test_flush_of_some(void **state)
{
    struct flow_table *table = *state;
    size_t asked = 0, *context = &asked;

    for (uint32_t i = 0; i < 10; i++)
        add(table, i, 0);
    flow_table_remove(table, find(table, 1, 0), FLOW_END_FLUSHED, 0);
    assert_int_equal(flow_table_flush(table, 0, 4, is_odd, &context, 0), 1);
    assert_int_equal(asked, 3); /* of four entries one is free */
    assert_non_null(find(table, 5, 0));
    assert_int_equal(flow_table_flush(table, 4, SIZE_MAX, is_odd, &context, 0), 3);
    assert_int_equal(flow_table_flush(table, 10, SIZE_MAX, is_odd, &context, 0), 0);
    assert_int_equal(flow_table_count(table), 5);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(find(table, i, 0) != NULL, i % 2 == 0);
}

/* First packets of ever new sources, ten times as many as there is room for. */
static void test_flood_spares_what_is_answered(void **state)
{
    struct flow_table *table = *state;

    for (uint32_t i = 0; i < CAPACITY / 2; i++)
        answer(table, add(table, i, 0), 0);
    for (uint32_t i = 0; i < 10 * CAPACITY; i++)
        assert_non_null(add(table, 1000000 + i, SECOND_NS + i));
    for (uint32_t i = 0; i < CAPACITY / 2; i++)
        assert_non_null(find(table, i, SECOND_NS));
    assert_int_equal(flow_table_count(table), CAPACITY);
    assert_int_equal(flow_table_counters(table)->displaced, 10 * CAPACITY - CAPACITY / 2);
}

static void test_full_of_answered_flows_refuses(void **state)
{
    struct flow_table *table = *state;

    for (uint32_t i = 0; i < CAPACITY; i++)
        answer(table, add(table, i, 0), 0);
    assert_null(add(table, CAPACITY, 0));
    assert_int_equal(flow_table_counters(table)->refused, 1);
    assert_non_null(
        add(table, CAPACITY, flow_limits_default().timeouts_s[FLOW_CLASS_UDP] * SECOND_NS));
    assert_in_range(flow_table_count(table), 1, CAPACITY - 1);
}

static void test_new_timeouts_hold_for_old_flows(void **state)
{
    struct flow_limits limits = flow_limits_default();
    struct flow_table *table = *state;

    limits.timeouts_s[FLOW_CLASS_UDP] = 10;
    add(table, 1, 0);
    assert_non_null(find(table, 1, 20 * SECOND_NS));
    flow_table_set_limits(table, &limits);
    assert_null(find(table, 1, 20 * SECOND_NS));
}

static void test_memory_of_a_million(void **state)
{
    const size_t million = 1000000;
    struct flow_limits limits = flow_limits_default();
    struct flow_table *table;

    (void)state;
    limits.max = (uint32_t)million;
    table = flow_table_new(&limits, 1);
    assert_non_null(table);
    assert_in_range(flow_table_memory(table), million * sizeof(struct flow), million * 192);
    flow_table_free(table);
}

/* What the table says that translation takes is what the process then has. */
static void test_memory_of_mappings(void **state)
{
    const size_t count = 200000;
    struct flow_limits limits = flow_limits_default();
    struct mapping_inside inside = {.proto = IPPROTO_UDP};
    struct mapping_outside outside = {.proto = IPPROTO_UDP};
    struct flow_table *table;
    size_t plain, before, used;

    (void)state;
    limits.max = (uint32_t)count;
    table = flow_table_new(&limits, 1);
    assert_non_null(table);
    plain = flow_table_memory(table);
    before = resident_bytes();
    for (uint32_t i = 0; i < count; i++) {
        memcpy(inside.address, &i, sizeof(i));
        outside.port = (uint16_t)i;
        outside.address[0] = (uint8_t)(i >> 16);
        assert_int_not_equal(mappings_add(table_mappings(table), &inside, &outside), 0);
    }
    assert_int_equal(mappings_add(table_mappings(table), &inside, &outside), 0);
    used = resident_bytes() - before;
    assert_in_range(flow_table_memory(table) - plain, count * 100, count * 120);
    if (used < count * 90 || used > count * 130)
        fail_msg("%zu bytes for %zu mappings", used, count);
    flow_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_both_ways_lead_to_the_entry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hash_is_seeded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_translated_flow_has_its_own_reply, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_flow_to_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_against_a_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ends_by_the_clock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hand_removes_what_is_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_part_of_a_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flush_of_some, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flood_spares_what_is_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_of_answered_flows_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_new_timeouts_hold_for_old_flows, set_up, tear_down),
        cmocka_unit_test(test_memory_of_a_million),
        cmocka_unit_test(test_memory_of_mappings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
