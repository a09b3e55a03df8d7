/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tap: who is told what of a path's packets and flows, and what is lost on the way. */
#include "../datapath/forge.h"
#include "../unit.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/watch/tap.h"
#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/tcp.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct host_view *view;
    struct ruleset *ruleset;
    struct path *path;
    struct batch *batch;
    struct tap *tap;
};

static struct forged forged;

static void add_match(struct rule *rule, const char *match, const char *value)
{
    const struct scope scope = scope_all();
    struct value_error error = {""};
    void *parsed;

    assert_int_equal(match_type_find(match)->parse(value, &scope, &parsed, &error), 0);
    assert_int_equal(rule_add_match(rule, match_type_find(match), parsed), 0);
}

static void parse_rule(struct rule *rule, const char *name, const char *match, const char *value,
                       const char *action, const char *action_value)
{
    const struct scope scope = scope_all();
    struct value_error error = {""};
    void *parsed;

    assert_int_equal(rule_init(rule, name, "test", 1), 0);
    add_match(rule, match, value);
    if (action == NULL)
        return;
    assert_int_equal(action_type_find(action)->parse(action_value, &scope, &parsed, &error), 0);
    assert_int_equal(rule_add_action(rule, action_type_find(action), parsed), 0);
}

static void add_rule(struct ruleset *ruleset, const char *name, const char *port,
                     const char *action, const char *value)
{
    struct rule rule;

    parse_rule(&rule, name, "dport", port, action, value);
    assert_int_equal(ruleset_add(ruleset, &rule), 0);
}

/* The second packet of a flow is refused, when it is translated. */
static void add_refusal(struct ruleset *ruleset)
{
    struct rule rule;

    parse_rule(&rule, "refused", "dport", "82", "verdict", "reject");
    add_match(&rule, "flow-packets", "2");
    assert_int_equal(ruleset_add(ruleset, &rule), 0);
}

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture.view = host_view_new(NULL, 0, NULL, 0, NULL, 0);
    fixture.ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    fixture.batch = batch_new();
    add_rule(fixture.ruleset, "office", "80, 82", "snat", "203.0.113.7");
    add_rule(fixture.ruleset, "edit", "53", "set-ttl", "9");
    add_rule(fixture.ruleset, "closed", "81", "verdict", "drop");
    add_refusal(fixture.ruleset);
    fixture.path = path_new(fixture.ruleset, fixture.view);
    fixture.tap = tap_new(fixture.path, 3);
    *state = &fixture;
    return fixture.path == NULL || fixture.tap == NULL;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    tap_free(fixture->tap);
    path_free(fixture->path);
    ruleset_free(fixture->ruleset);
    host_view_free(fixture->view);
    batch_free(fixture->batch);
    return 0;
}

/* SYN packets from COUNT ports on, to DPORT, in batches. */
static void run(struct fixture *fixture, uint16_t sport, uint16_t dport, size_t count)
{
    while (count > 0) {
        batch_reset(fixture->batch);
        while (count > 0 && !batch_is_full(fixture->batch)) {
            forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
            forge_tcp(&forged, TCP_FLAG_SYN, NULL, 0, 0);
            be16_store(forged.bytes + forged.l4, sport++);
            be16_store(forged.bytes + forged.l4 + 2, dport);
            forge_seal(&forged);
            memcpy(batch_next_buffer(fixture->batch), forged.bytes, forged.length);
            batch_commit(fixture->batch, forged.length);
            count--;
        }
        path_run(fixture->path, fixture->batch,
                 &(struct moment){.now_ns = 5000000000, .wall_ns = 7000});
    }
}

static struct watch_wish packets(void)
{
    return (struct watch_wish){
        .kind = WATCH_PACKETS, .sample = 1, .stages = WATCH_STAGES, .snap_length = 20};
}

static struct watch_wish flows(unsigned changes)
{
    return (struct watch_wish){.kind = WATCH_FLOWS, .sample = 1, .changes = changes};
}

/* How many records there are, all of them for WATCHERS. */
static size_t drain(struct fixture *fixture, uint32_t watchers)
{
    const struct watch_record *record;
    size_t count = 0;

    while ((record = tap_pop(fixture->tap)) != NULL) {
        assert_int_equal(record->watchers, watchers);
        count++;
    }
    assert_true(tap_is_empty(fixture->tap));
    return count;
}

static void test_nobody(void **state)
{
    struct fixture *fixture = *state;

    run(fixture, 1000, 80, 10);
    assert_int_equal(drain(fixture, 0), 0);
}

/* Flows are told without packets, and packets without flows. */
static void test_kinds(void **state)
{
    struct fixture *fixture = *state;
    const struct watch_wish of_packets = packets(), of_flows = flows(WATCH_CHANGES);
    struct watch *first = watch_new(&of_packets), *second = watch_new(&of_flows);

    tap_set_watch(fixture->tap, 31, second);
    run(fixture, 1000, 80, 1);
    assert_int_equal(drain(fixture, 1u << 31), 1);
    run(fixture, 1000, 80, 1);
    assert_int_equal(drain(fixture, 0), 0);
    tap_set_watch(fixture->tap, 31, NULL);
    tap_set_watch(fixture->tap, 0, first);
    run(fixture, 1001, 80, 2);
    assert_int_equal(drain(fixture, 1u << 0), 2);
    tap_set_watch(fixture->tap, 0, NULL);
    run(fixture, 1003, 80, 2);
    assert_int_equal(drain(fixture, 0), 0);
    watch_free(first);
    watch_free(second);
}

/* Both at once: the beginning of a flow stands within the packet that begins it. */
static void test_flow_within_a_packet(void **state)
{
    struct fixture *fixture = *state;
    const struct watch_wish of_packets = packets(), of_flows = flows(WATCH_CHANGES);
    struct watch *first = watch_new(&of_packets), *second = watch_new(&of_flows);
    const struct watch_record *record;
    const struct watch_flow *told;

    tap_set_watch(fixture->tap, 0, first);
    tap_set_watch(fixture->tap, 1, second);
    run(fixture, 1000, 80, 1);
    record = tap_pop(fixture->tap);
    assert_int_equal(record->kind, WATCH_PACKETS);
    assert_true(record->is_edited && record->captured == 20 && record->captured_after == 20);
    assert_int_equal(record->rules[0], 0);
    record = tap_pop(fixture->tap);
    assert_int_equal(record->kind, WATCH_FLOWS);
    assert_int_equal(record->time_ns, 7000);
    assert_int_equal(record->queue, 3);
    told = watch_record_flow(record);
    assert_int_equal(told->event.change, FLOW_BEGINS);
    assert_int_equal(told->flow.tuples[FLOW_ORIGINAL].sport, 1000);
    assert_memory_equal(told->flow.tuples[FLOW_REPLY].dst, "\xcb\x00\x71\x07", 4);
    assert_in_range(told->time_left_ns, 1, UINT64_C(1) << 50);
    assert_null(tap_pop(fixture->tap));
    tap_set_watch(fixture->tap, 0, NULL);
    tap_set_watch(fixture->tap, 1, NULL);
    watch_free(first);
    watch_free(second);
}

/*
 * What is answered here has the flow of what it answers, and goes its other way; a filter on flows
 * fits the one as the other.
 */
static void test_answer_has_the_flow(void **state)
{
    struct fixture *fixture = *state;
    struct watch_wish wish = packets();
    const struct watch_record *record;
    struct watch_translation asked;
    struct watch *watch;
    struct rule rule;

    parse_rule(&rule, "filter", "flow-packets", "2", NULL, NULL);
    wish.filter = filter_new(&rule);
    watch = watch_new(&wish);
    tap_set_watch(fixture->tap, 0, watch);
    run(fixture, 1000, 82, 1);
    run(fixture, 1000, 82, 1);
    record = tap_pop(fixture->tap);
    assert_int_equal(record->reason, REASON_REJECTED);
    assert_true(record->is_translated && !record->is_answer);
    asked = record->translation;
    assert_int_equal(asked.way, FLOW_ORIGINAL);
    record = tap_pop(fixture->tap);
    assert_true(record->is_translated && record->is_answer);
    assert_int_equal(record->translation.way, FLOW_REPLY);
    assert_int_equal(record->translation.rule, fixture->ruleset->rules[0].identity);
    assert_memory_equal(record->translation.tuples, asked.tuples, sizeof(asked.tuples));
    assert_null(tap_pop(fixture->tap));
    tap_set_watch(fixture->tap, 0, NULL);
    watch_free(watch);
    filter_free(wish.filter);
}

/* Filters on flows and the kinds of events; ends by a flush have the time of the flush. */
static void test_flow_wishes(void **state)
{
    struct fixture *fixture = *state;
    struct watch_wish ends = flows(WATCH_CHANGE(FLOW_ENDS)), some = flows(WATCH_CHANGES);
    struct watch *first, *second;
    const struct watch_record *record;

    some.flows = (struct flow_filter){.wanted = FLOW_FILTER_SPORT, .sport = 1002};
    first = watch_new(&ends);
    second = watch_new(&some);
    tap_set_watch(fixture->tap, 0, first);
    tap_set_watch(fixture->tap, 1, second);
    run(fixture, 1000, 80, 4);
    assert_int_equal(drain(fixture, 1u << 1), 1);
    flow_table_remove(path_flows(fixture->path),
                      (struct flow *)flow_table_next(path_flows(fixture->path), &(size_t){0}, 1,
                                                     5000000000),
                      FLOW_END_FLUSHED, 6000000000);
    record = tap_pop(fixture->tap);
    assert_int_equal(record->watchers, 1u << 0);
    assert_int_equal(record->time_ns, 1000007000);
    assert_int_equal(watch_record_flow(record)->event.end, FLOW_END_FLUSHED);
    tap_set_watch(fixture->tap, 0, NULL);
    tap_set_watch(fixture->tap, 1, NULL);
    watch_free(first);
    watch_free(second);
}

/* What finds no room is counted for whom it was for, and nothing is told twice. */
static void test_full(void **state)
{
    struct fixture *fixture = *state;
    const struct watch_wish of_flows = flows(WATCH_CHANGES);
    struct watch *watch = watch_new(&of_flows);
    const size_t count = 20000;
    size_t told;

    tap_set_watch(fixture->tap, 5, watch);
    run(fixture, 1000, 9, count);
    told = drain(fixture, 1u << 5);
    assert_in_range(told, 1000, count - 1);
    assert_int_equal(tap_lost(fixture->tap, 5), count - told);
    assert_int_equal(tap_lost(fixture->tap, 4), 0);
    run(fixture, 30000, 9, 10);
    assert_int_equal(drain(fixture, 1u << 5), 10);
    assert_int_equal(tap_lost(fixture->tap, 5), count - told);
    tap_set_watch(fixture->tap, 5, NULL);
    watch_free(watch);
}

/* Every N-th of those that fit, as many as the limit, at the stages that are wanted. */
static void test_packet_wishes(void **state)
{
    struct fixture *fixture = *state;
    struct watch_wish sample = packets(), limited = packets(), drops = packets(),
                      filtered = packets();
    struct watch_wish *wishes[] = {&sample, &limited, &drops, &filtered};
    struct watch *watches[ARRAY_SIZE(wishes)];
    size_t told[ARRAY_SIZE(wishes)] = {0};
    const struct watch_record *record;
    struct rule rule;

    sample.sample = 5;
    limited.limit = 7;
    drops.stages = WATCH_DROP;
    parse_rule(&rule, "filter", "sport", "1002-1003", NULL, NULL);
    filtered.filter = filter_new(&rule);
    for (unsigned i = 0; i < ARRAY_SIZE(wishes); i++) {
        watches[i] = watch_new(wishes[i]);
        tap_set_watch(fixture->tap, i, watches[i]);
    }
    run(fixture, 1000, 53, 20);
    run(fixture, 2000, 81, 3);
    while ((record = tap_pop(fixture->tap)) != NULL) {
        for (size_t i = 0; i < ARRAY_SIZE(wishes); i++)
            told[i] += record->watchers >> i & 1;
    }
    assert_int_equal(told[0], 5); /* of 23 */
    assert_int_equal(told[1], 7);
    assert_int_equal(told[2], 3);
    assert_int_equal(told[3], 2);
    for (unsigned i = 0; i < ARRAY_SIZE(wishes); i++) {
        tap_set_watch(fixture->tap, i, NULL);
        watch_free(watches[i]);
    }
    filter_free(filtered.filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kinds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flow_within_a_packet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answer_has_the_flow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flow_wishes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_packet_wishes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
