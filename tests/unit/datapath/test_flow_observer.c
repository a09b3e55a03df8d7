/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an observer is told of flows: when they begin, change and end, and what they are then. */
#include "../unit.h"
#include "forge.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/tcp.h"
#include "path_parts.h"
#include "real_rule.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

enum { SYN = TCP_FLAG_SYN, ACK = TCP_FLAG_ACK, FIN = TCP_FLAG_FIN, RST = TCP_FLAG_RST };

/* What was told: a word for each event, and the last flow. */
struct notes {
    char text[1024];
    struct flow flow;
    struct flow_event event;
};

struct fixture {
    struct host_view *view;
    struct ruleset *ruleset;
    struct path *path;
    struct batch *batch;
    struct notes notes;
    struct flow_observer observer;
    uint64_t now_ns;
};

static void tell(void *context, const struct flow *flow, const struct flow_event *event)
{
    struct notes *notes = context;
    size_t length = strlen(notes->text);
    const char *what = event->change == FLOW_ENDS ? flow_end_name(event->end)
                                                  : flow_tcp_state_name(flow_tcp_state_of(flow));

    snprintf(notes->text + length, sizeof(notes->text) - length, "%s:%s ",
             flow_change_name(event->change), what);
    notes->flow = *flow;
    notes->event = *event;
}

/* Whether WORDS is all that was told since the last question. */
static void assert_told(struct fixture *fixture, const char *words)
{
    assert_string_equal(fixture->notes.text, words);
    fixture->notes.text[0] = '\0';
}

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){
        .view = host_view_new(NULL, 0, NULL, 0, NULL, 0),
        .ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP),
        .batch = batch_new(),
        .observer = {&fixture.notes, tell},
        .now_ns = SECOND,
    };
    fixture.ruleset->flows.max = FLOWS_MIN;
    real_rule_add(fixture.ruleset, "office", "dport", "80", "snat", "203.0.113.7:5000-5009");
    real_rule_add(fixture.ruleset, "closed", "dport", "81", "verdict", "drop");
    fixture.path = path_new(fixture.ruleset, fixture.view);
    assert_non_null(fixture.path);
    path_set_flow_observer(fixture.path, &fixture.observer);
    *state = &fixture;
    return fixture.view == NULL || fixture.batch == NULL;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    path_parts_free(fixture->path, fixture->ruleset, fixture->view, fixture->batch);
    return 0;
}

/* A segment of 192.0.2.1's connection from port SPORT, or, with IS_REPLY, to where it seems to come
 * from. */
static void run_tcp(struct fixture *fixture, bool is_reply, uint16_t sport, uint16_t dport,
                    uint8_t flags)
{
    static const uint8_t client[] = {192, 0, 2, 1}, server[] = {198, 51, 100, 2},
                         outside[] = {203, 0, 113, 7};
    static struct forged forged;
    uint8_t *buffer;

    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    forge_tcp(&forged, flags, NULL, 0, 0);
    memcpy(forged.bytes + 12, is_reply ? server : client, 4);
    memcpy(forged.bytes + 16, is_reply ? outside : server, 4);
    be16_store(forged.bytes + forged.l4, sport);
    be16_store(forged.bytes + forged.l4 + 2, dport);
    forge_seal(&forged);
    batch_reset(fixture->batch);
    buffer = batch_next_buffer(fixture->batch);
    memcpy(buffer, forged.bytes, forged.length);
    batch_commit(fixture->batch, forged.length);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = fixture->now_ns});
}

static void ask(struct fixture *fixture, uint8_t flags)
{
    run_tcp(fixture, false, 5000, 80, flags);
}

static void answer(struct fixture *fixture, uint8_t flags)
{
    run_tcp(fixture, true, 80, 5000, flags);
}

/* Each state once, whatever comes besides. */
static void test_connection(void **state)
{
    struct fixture *fixture = *state;

    ask(fixture, SYN);
    assert_told(fixture, "new:SYN_SENT ");
    ask(fixture, SYN);
    assert_told(fixture, "");
    answer(fixture, SYN | ACK);
    assert_told(fixture, "update:SYN_RECV ");
    ask(fixture, ACK);
    assert_told(fixture, "update:ESTABLISHED ");
    for (size_t i = 0; i < 5; i++) {
        ask(fixture, ACK);
        answer(fixture, ACK);
    }
    assert_told(fixture, "");
    ask(fixture, FIN | ACK);
    answer(fixture, FIN | ACK);
    ask(fixture, ACK);
    assert_told(fixture, "update:FIN_WAIT update:TIME_WAIT ");
}

/* Both tuples as they stay, and who translates, from the first word on. */
static void test_tuples(void **state)
{
    struct fixture *fixture = *state;
    const struct flow *flow = &fixture->notes.flow;

    run_tcp(fixture, false, 4000, 80, SYN);
    assert_told(fixture, "new:SYN_SENT ");
    assert_int_equal(fixture->notes.event.now_ns, SECOND);
    assert_int_equal(flow->tuples[FLOW_ORIGINAL].sport, 4000);
    assert_memory_equal(flow->tuples[FLOW_REPLY].dst, "\xcb\x00\x71\x07", 4);
    assert_in_range(flow->tuples[FLOW_REPLY].dport, 5000, 5009);
    assert_int_equal(flow->rule, fixture->ruleset->rules[0].identity);
    assert_int_equal(flow->packets[FLOW_ORIGINAL], 1);
    fixture->now_ns += SECOND;
    run_tcp(fixture, true, 80, flow->tuples[FLOW_REPLY].dport, SYN | ACK);
    assert_told(fixture, "update:SYN_RECV ");
    assert_int_equal(flow->packets[FLOW_REPLY], 1);
    assert_int_equal(flow->bytes[FLOW_REPLY], 40);
    assert_int_equal(fixture->notes.event.now_ns, 2 * SECOND);
    assert_int_equal(flow->made_ns, SECOND);
}

/* What never leaves is nobody's flow. */
static void test_dropped(void **state)
{
    struct fixture *fixture = *state;

    run_tcp(fixture, false, 5000, 81, SYN);
    assert_int_equal(flow_table_count(path_flows(fixture->path)), 1);
    flow_table_flush(path_flows(fixture->path), 0, SIZE_MAX, NULL, NULL, SECOND);
    assert_int_equal(flow_table_count(path_flows(fixture->path)), 0);
    assert_told(fixture, "");
}

static void sweep(struct fixture *fixture, uint64_t seconds)
{
    fixture->now_ns += seconds * SECOND;
    flow_table_sweep(path_flows(fixture->path), FLOWS_MIN, fixture->now_ns);
}

static void test_ends(void **state)
{
    struct fixture *fixture = *state;
    uint64_t quiet = fixture->ruleset->flows.timeouts_s[FLOW_CLASS_TCP_TRANSITORY];

    ask(fixture, SYN);
    sweep(fixture, quiet - 1);
    assert_told(fixture, "new:SYN_SENT ");
    sweep(fixture, 1);
    assert_told(fixture, "end:timeout ");
    assert_int_equal(fixture->notes.event.now_ns, fixture->now_ns);
    assert_int_equal(fixture->notes.flow.packets[FLOW_ORIGINAL], 1);

    ask(fixture, SYN);
    answer(fixture, RST | ACK);
    assert_told(fixture, "new:SYN_SENT update:CLOSE ");
    sweep(fixture, quiet);
    assert_told(fixture, "end:closed ");

    ask(fixture, SYN);
    flow_table_flush(path_flows(fixture->path), 0, SIZE_MAX, NULL, NULL, fixture->now_ns);
    assert_told(fixture, "new:SYN_SENT end:flushed ");
}

/* The same tuples again: the end of the one stands before the beginning of the other. */
static void test_again(void **state)
{
    struct fixture *fixture = *state;

    ask(fixture, SYN);
    answer(fixture, RST | ACK);
    ask(fixture, SYN);
    assert_told(fixture, "new:SYN_SENT update:CLOSE end:closed new:SYN_SENT ");
}

/* Met by a packet of its own when its time is over, before the hand came by. */
static void test_late(void **state)
{
    struct fixture *fixture = *state;

    ask(fixture, SYN);
    fixture->now_ns += 3600 * SECOND;
    ask(fixture, SYN);
    assert_told(fixture, "new:SYN_SENT end:timeout new:SYN_SENT ");
}

static void test_displaced(void **state)
{
    struct fixture *fixture = *state;

    path_set_flow_observer(fixture->path, NULL);
    for (uint16_t i = 0; i < FLOWS_MIN; i++)
        run_tcp(fixture, false, (uint16_t)(1000 + i), 9, SYN);
    assert_told(fixture, "");
    path_set_flow_observer(fixture->path, &fixture->observer);
    run_tcp(fixture, false, 999, 9, SYN);
    assert_told(fixture, "end:displaced new:SYN_SENT ");
    assert_int_equal(fixture->notes.flow.tuples[FLOW_ORIGINAL].sport, 999);
}

/* The observer stays with the path, also when another ruleset brings the flows. */
static void test_new_rules(void **state)
{
    struct fixture *fixture = *state;
    struct ruleset *quiet = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    struct path_rules *rules = path_rules_new(quiet, fixture->ruleset);

    path_exchange_rules(fixture->path, rules);
    path_rules_free(rules);
    ask(fixture, SYN);
    assert_told(fixture, "");
    rules = path_rules_new(fixture->ruleset, quiet);
    path_exchange_rules(fixture->path, rules);
    path_rules_free(rules);
    ask(fixture, SYN);
    assert_told(fixture, "new:SYN_SENT ");
    ruleset_free(quiet);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_connection, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_tuples, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_dropped, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_ends, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_again, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_late, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_displaced, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_new_rules, set_up, tear_down),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
