/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The path: order of rules, fates, counters, events, a new ruleset, and the invariants. */
#include "../random.h"
#include "../unit.h"
#include "forge.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/wire/bytes.h"
#include "path_parts.h"
#include "rulebook.h"
#include "src/datapath/fixup.h"
#include "src/datapath/parse.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

static struct forged forged;

/* Everything that one test needs, owned here. */
struct fixture {
    struct host_view *view;
    struct ruleset *ruleset;
    struct path *path;
    struct batch *batch;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    struct ip_addr locals[3];
    struct ip_prefix tun[2];

    ip_addr_parse("192.0.2.1", &locals[0]);
    ip_addr_parse("2001:db8:1::1", &locals[1]);
    ip_addr_parse("203.0.113.1", &locals[2]);
    ip_prefix_parse("203.0.113.1/24", &tun[0]);
    ip_prefix_parse("2001:db8:cafe::1/64", &tun[1]);
    fixture.view = host_view_new(locals, 3, NULL, 0, tun, 2);
    fixture.ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    fixture.path = path_new(fixture.ruleset, fixture.view);
    fixture.batch = batch_new();
    *state = &fixture;
    return fixture.view == NULL || fixture.path == NULL || fixture.batch == NULL;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    path_parts_free(fixture->path, fixture->ruleset, fixture->view, fixture->batch);
    return 0;
}

/* Rules were added: the path starts over with them. */
static void restart(struct fixture *fixture)
{
    path_free(fixture->path);
    fixture->path = path_new(fixture->ruleset, fixture->view);
    assert_non_null(fixture->path);
}

static void feed(struct fixture *fixture, const uint8_t *bytes, size_t length)
{
    uint8_t *buffer = batch_next_buffer(fixture->batch);

    assert_non_null(buffer);
    if (length > 0)
        memcpy(buffer, bytes, length);
    batch_commit(fixture->batch, length);
}

/* Runs what is forged alone. */
static const struct packet *run(struct fixture *fixture)
{
    batch_reset(fixture->batch);
    feed(fixture, forged.bytes, forged.length);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = SECOND});
    return &fixture->batch->packets[0];
}

static void forge_udp_packet(enum ip_family family)
{
    forge_ip(&forged, family, IPPROTO_UDP);
    forge_udp(&forged, 20);
    forge_seal(&forged);
}

static void test_untouched_is_untouched(void **state)
{
    struct fixture *fixture = *state;

    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        const struct packet *packet;

        forge_udp_packet(family);
        forged.bytes[forged.l4 + 6] ^= 0xff; /* a wrong checksum is left alone too */
        packet = run(fixture);
        assert_int_equal(packet->fate, FATE_OUT);
        assert_int_equal(packet->length, forged.length);
        assert_memory_equal(packet->data, forged.bytes, forged.length);
    }
    assert_int_equal(path_counters(fixture->path)->edited, 0);
}

static void test_later_rules_see_edits(void **state)
{
    struct fixture *fixture = *state;
    const struct packet *packet;

    rulebook_add(fixture->ruleset, "first", &match_dport, 80, &action_dport, 81);
    rulebook_add(fixture->ruleset, "not-any-more", &match_dport, 80, &action_drop, 0);
    rulebook_add(fixture->ruleset, "now", &match_dport, 81, &action_ttl, 7);
    restart(fixture);
    forge_udp_packet(FAMILY_IPV4);
    packet = run(fixture);
    assert_int_equal(packet->fate, FATE_OUT);
    assert_int_equal(packet_dport(packet), 81);
    assert_int_equal(packet_ttl(packet), 7);
    assert_true(
        checksums_are_right(packet->data, packet->length, FAMILY_IPV4, IPPROTO_UDP, forged.l4));
    assert_int_equal(path_rule_counters(fixture->path, 0)->packets, 1);
    assert_int_equal(path_rule_counters(fixture->path, 0)->bytes, forged.length);
    assert_int_equal(path_rule_counters(fixture->path, 1)->packets, 0);
    assert_int_equal(path_rule_counters(fixture->path, 2)->packets, 1);
    assert_int_equal(path_counters(fixture->path)->edited, 1);
}

static void test_all_matches_of_a_rule_must_hold(void **state)
{
    struct fixture *fixture = *state;
    struct rule rule = rulebook_rule("both");

    assert_int_equal(rule_add_match(&rule, &match_dport, rulebook_value(80)), 0);
    assert_int_equal(rule_add_match(&rule, &match_ttl, rulebook_value(63)), 0);
    assert_int_equal(rule_add_action(&rule, &action_drop, NULL), 0);
    assert_int_equal(ruleset_add(fixture->ruleset, &rule), 0);
    restart(fixture);
    forge_udp_packet(FAMILY_IPV6);
    assert_int_equal(run(fixture)->fate, FATE_OUT);
    forged.bytes[7] = 63;
    assert_int_equal(run(fixture)->fate, FATE_DROP);
}

static void test_decision_ends_the_list(void **state)
{
    struct fixture *fixture = *state;

    fixture->ruleset->policy = POLICY_DROP;
    rulebook_add(fixture->ruleset, "accept", &match_ttl, 64, &action_accept, 0);
    rulebook_add(fixture->ruleset, "unreached", NULL, 0, &action_ttl, 1);
    restart(fixture);
    forge_udp_packet(FAMILY_IPV4);
    assert_int_equal(run(fixture)->fate, FATE_OUT);
    assert_int_equal(path_rule_counters(fixture->path, 1)->packets, 0);
}

static void test_policy(void **state)
{
    struct fixture *fixture = *state;
    const struct packet *packet;

    fixture->ruleset->policy = POLICY_DROP;
    rulebook_add(fixture->ruleset, "only-edits", NULL, 0, &action_ttl, 9);
    restart(fixture);
    forge_udp_packet(FAMILY_IPV4);
    packet = run(fixture);
    assert_int_equal(packet->fate, FATE_DROP);
    assert_int_equal(packet->reason, REASON_POLICY);
    assert_int_equal(path_counters(fixture->path)->drops[REASON_POLICY], 1);
}

/* An action that cannot apply does nothing, and the list goes on. */
static void test_echo_of_udp_goes_on(void **state)
{
    struct fixture *fixture = *state;

    rulebook_add(fixture->ruleset, "echo", NULL, 0, &action_echo, 0);
    rulebook_add(fixture->ruleset, "next", NULL, 0, &action_ttl, 9);
    restart(fixture);
    forge_udp_packet(FAMILY_IPV4);
    assert_int_equal(packet_ttl(run(fixture)), 9);
    assert_int_equal(fixture->batch->answer_count, 0);
}

static void test_direction(void **state)
{
    struct fixture *fixture = *state;

    rulebook_add(fixture->ruleset, "out", &match_direction, DIRECTION_OUT, NULL, 0);
    rulebook_add(fixture->ruleset, "forward", &match_direction, DIRECTION_FORWARD, NULL, 0);
    rulebook_add(fixture->ruleset, "in", &match_direction, DIRECTION_IN, NULL, 0);
    restart(fixture);
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        size_t src = family == FAMILY_IPV4 ? 12 : 8, dst = family == FAMILY_IPV4 ? 16 : 24;
        uint8_t *bytes = forged.bytes;

        forge_udp_packet(family);
        run(fixture);
        bytes[src + (family == FAMILY_IPV4 ? 2 : 12)] ^= 0x40; /* another source */
        run(fixture);
        forge_udp_packet(family);
        memcpy(bytes + dst, bytes + src, dst - src); /* from here, as it says, and to here */
        run(fixture);
        bytes[src + (family == FAMILY_IPV4 ? 2 : 12)] ^= 0x40;
        run(fixture);
    }
    assert_int_equal(path_rule_counters(fixture->path, 0)->packets, 2);
    assert_int_equal(path_rule_counters(fixture->path, 1)->packets, 2);
    assert_int_equal(path_rule_counters(fixture->path, 2)->packets, 4);
}

static void test_malformed(void **state)
{
    struct fixture *fixture = *state;
    const struct packet *packet;

    rulebook_add(fixture->ruleset, "drop", NULL, 0, &action_drop, 0);
    restart(fixture);
    forge_udp_packet(FAMILY_IPV4);
    forged.bytes[25] = 200;
    packet = run(fixture);
    assert_int_equal(packet->reason, REASON_BAD_UDP_LENGTH);
    assert_int_equal(path_counters(fixture->path)->drops[REASON_BAD_UDP_LENGTH], 1);
    fixture->ruleset->malformed = MALFORMED_PASS;
    packet = run(fixture);
    assert_int_equal(packet->fate, FATE_OUT);
    assert_memory_equal(packet->data, forged.bytes, forged.length);
    assert_int_equal(path_counters(fixture->path)->malformed_passed, 1);
    assert_int_equal(path_rule_counters(fixture->path, 0)->packets, 0);
}

/* By a rule or as it came, malformed or not: never into tun0's prefix, but to its own address. */
static void test_own_prefix(void **state)
{
    struct fixture *fixture = *state;

    rulebook_add(fixture->ruleset, "into", &match_ttl, 64, &action_dst, 77);
    rulebook_add(fixture->ruleset, "own", &match_ttl, 63, &action_dst, 1);
    restart(fixture);
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        forge_udp_packet(family);
        assert_int_equal(run(fixture)->reason, REASON_OWN_PREFIX);
    }
    forge_udp_packet(FAMILY_IPV4);
    forged.bytes[8] = 63;
    assert_int_equal(run(fixture)->fate, FATE_OUT);
    fixture->ruleset->malformed = MALFORMED_PASS;
    memcpy(forged.bytes + 16, "\xcb\x00\x71\x05", 4);
    forged.bytes[25] = 200;
    assert_int_equal(run(fixture)->reason, REASON_OWN_PREFIX);
}

/* What somebody's route of main leads to tun0 would come round again. */
static void test_loop(void **state)
{
    struct fixture *fixture = *state;
    struct ip_prefix anywhere;

    assert_int_equal(ip_prefix_parse("0.0.0.0/0", &anywhere), 0);
    assert_int_equal(host_view_set_loops(fixture->view, &anywhere, 1), 0);
    forge_udp_packet(FAMILY_IPV4);
    assert_int_equal(run(fixture)->reason, REASON_LOOP);
    forge_udp_packet(FAMILY_IPV6);
    assert_int_equal(run(fixture)->fate, FATE_OUT);
}

static void test_reject_and_echo_answer(void **state)
{
    struct fixture *fixture = *state;
    const struct path_counters *counters;

    rulebook_add(fixture->ruleset, "echo", NULL, 0, &action_echo, 0);
    rulebook_add(fixture->ruleset, "reject", NULL, 0, &action_reject, 0);
    restart(fixture);
    batch_reset(fixture->batch);
    forge_udp_packet(FAMILY_IPV6);
    feed(fixture, forged.bytes, forged.length);
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_ICMP);
    forge_l4(&forged, 8);
    forge_seal(&forged);
    feed(fixture, forged.bytes, forged.length);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = SECOND});
    counters = path_counters(fixture->path);
    assert_int_equal(fixture->batch->packets[0].reason, REASON_REJECTED);
    assert_int_equal(fixture->batch->packets[1].reason, REASON_ANSWERED);
    assert_int_equal(fixture->batch->answer_count, 2);
    assert_int_equal(counters->in, 2);
    assert_int_equal(counters->generated, 2);
    assert_int_equal(counters->out, 2);
    assert_int_equal(counters->out_bytes,
                     fixture->batch->answers[0].length + fixture->batch->answers[1].length);
}

static void add_logging_rule(struct ruleset *ruleset, const char *name, uint64_t burst,
                             const struct action_type *action)
{
    struct rule rule = rulebook_rule(name);

    rule.logs = true;
    rule.log = (struct rule_log){LEVEL_INFO, {1, SECOND}, burst};
    assert_int_equal(rule_add_action(&rule, action, rulebook_value(5)), 0);
    assert_int_equal(ruleset_add(ruleset, &rule), 0);
}

static void test_events(void **state)
{
    struct fixture *fixture = *state;
    struct event_ring *ring;
    const struct event *event;

    add_logging_rule(fixture->ruleset, "edits", 1, &action_ttl);
    add_logging_rule(fixture->ruleset, "drops", 9, &action_drop);
    restart(fixture);
    ring = path_events(fixture->path);
    forge_udp_packet(FAMILY_IPV4);
    run(fixture);
    event = event_ring_pop(ring);
    assert_non_null(event);
    assert_ptr_equal(event->rule, &fixture->ruleset->rules[0]);
    assert_int_equal(event->ttl, 5); /* after the edit */
    assert_int_equal(event->fate, FATE_PENDING);
    assert_int_equal(event->proto, IPPROTO_UDP);
    assert_int_equal(event->sport, 1234);
    assert_int_equal(event->dport, 80);
    assert_int_equal(event->length, forged.length);
    assert_int_equal(event->direction, DIRECTION_OUT);
    assert_int_equal(event->dst.bytes[0], 198);
    event = event_ring_pop(ring);
    assert_non_null(event);
    assert_ptr_equal(event->rule, &fixture->ruleset->rules[1]);
    assert_int_equal(event->fate, FATE_DROP);
    assert_int_equal(event->reason, REASON_RULE);
    assert_null(event_ring_pop(ring));
}

static void test_event_limit(void **state)
{
    struct fixture *fixture = *state;
    struct event_ring *ring;
    const struct event *event;

    add_logging_rule(fixture->ruleset, "one-a-second", 1, &action_ttl);
    restart(fixture);
    ring = path_events(fixture->path);
    forge_udp_packet(FAMILY_IPV6);
    for (unsigned i = 0; i < 5; i++)
        run(fixture);
    assert_non_null(event_ring_pop(ring));
    assert_null(event_ring_pop(ring));
    batch_reset(fixture->batch);
    feed(fixture, forged.bytes, forged.length);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 3 * SECOND});
    event = event_ring_pop(ring);
    assert_non_null(event);
    assert_int_equal(event->suppressed, 4);
}

/* What an observer was told, a letter a call. */
struct diary {
    char text[64];
    size_t length;
};

static void note(struct diary *diary, char letter, size_t number)
{
    diary->text[diary->length++] = letter;
    diary->text[diary->length++] = (char)('0' + number);
}

static void note_received(void *context, const struct packet *packet)
{
    note(context, 'r', packet_ttl(packet) % 10);
}

static void note_translated(void *context, const struct packet *packet)
{
    note(context, 'x', packet->fate);
}

static void note_arrived(void *context, const struct packet *packet, enum reason fault)
{
    assert_int_equal(fault, REASON_NONE);
    note(context, 'p', packet_ttl(packet) % 10);
}

static void note_matched(void *context, size_t rule, const struct packet *packet)
{
    note(context, 'm', rule);
    note(context, 't', packet_ttl(packet) % 10);
}

static void note_acted(void *context, size_t rule, const struct packet *packet)
{
    note(context, 'a', rule);
    note(context, 't', packet_ttl(packet) % 10);
}

static void note_decided(void *context, const struct packet *packet)
{
    note(context, 'd', packet->fate);
    assert_false((packet->flags & PACKET_HAS_IP) != 0 && packet->fate == FATE_OUT &&
                 fixup_is_damaged(packet));
}

static void note_answered(void *context, const struct packet *answer)
{
    note(context, 'w', answer->family);
}

static void note_split(void *context, const struct packet *packet, const struct packet *segment)
{
    assert_int_equal(packet->fate, FATE_SPLIT);
    note(context, 's', segment->segments);
}

static void test_observer(void **state)
{
    struct fixture *fixture = *state;
    struct diary diary = {.length = 0};
    const struct observer observer = {&diary,        note_received,   note_arrived,
                                      note_matched,  note_acted,      note_split,
                                      note_answered, note_translated, note_decided};

    rulebook_add(fixture->ruleset, "edits", &match_ttl, 64, &action_ttl, 7);
    rulebook_add(fixture->ruleset, "not-any-more", &match_ttl, 64, &action_drop, 0);
    rulebook_add(fixture->ruleset, "refuses", &match_dport, 80, &action_reject, 0);
    restart(fixture);
    path_set_observer(fixture->path, &observer);
    forge_udp_packet(FAMILY_IPV6);
    run(fixture);
    assert_string_equal(diary.text, "r4p4m0t4a0t7m2t7a2t7w1d2");
    diary = (struct diary){.length = 0};
    batch_reset(fixture->batch);
    feed(fixture, forged.bytes, 0);
    path_set_observer(fixture->path, NULL);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = SECOND});
    assert_string_equal(diary.text, "");
}

static void test_full_event_ring(void **state)
{
    struct fixture *fixture = *state;
    struct event_ring *ring;
    size_t drained = 0;

    add_logging_rule(fixture->ruleset, "chatty", 1000000, &action_ttl);
    restart(fixture);
    ring = path_events(fixture->path);
    forge_udp_packet(FAMILY_IPV4);
    for (unsigned i = 0; i < EVENT_RING_SIZE + 3; i++)
        run(fixture);
    assert_int_equal(event_ring_lost(ring), 3);
    while (event_ring_pop(ring) != NULL)
        drained++;
    assert_int_equal(drained, EVENT_RING_SIZE);
    run(fixture);
    assert_non_null(event_ring_pop(ring));
}

/* A reload: NEXT in place of the rules of FIXTURE. */
static void put_in_force(struct fixture *fixture, struct ruleset *next)
{
    struct path_rules *rules = path_rules_new(next, fixture->ruleset);

    assert_non_null(rules);
    path_exchange_rules(fixture->path, rules);
    path_rules_free(rules);
    ruleset_free(fixture->ruleset);
    fixture->ruleset = next;
}

/* Counters and buckets go on under the same name, whatever the place. */
static void test_new_ruleset(void **state)
{
    struct fixture *fixture = *state;
    struct ruleset *next = ruleset_new(POLICY_DROP, MALFORMED_DROP);

    rulebook_add(fixture->ruleset, "gone", NULL, 0, &action_ttl, 1);
    add_logging_rule(fixture->ruleset, "kept", 1, &action_ttl);
    restart(fixture);
    forge_udp_packet(FAMILY_IPV4);
    run(fixture);
    run(fixture);
    assert_non_null(event_ring_pop(path_events(fixture->path)));

    add_logging_rule(next, "kept", 1, &action_ttl);
    rulebook_add(next, "new", NULL, 0, &action_ttl, 1);
    add_logging_rule(next, "other-limit", 3, &action_ttl);
    put_in_force(fixture, next);

    assert_ptr_equal(path_ruleset(fixture->path), next);
    assert_int_equal(path_rule_counters(fixture->path, 0)->packets, 2);
    assert_int_equal(path_rule_counters(fixture->path, 1)->packets, 0);
    assert_int_equal(run(fixture)->reason, REASON_POLICY);
    assert_int_equal(path_rule_counters(fixture->path, 0)->packets, 3);
    /* "kept" has used its only token; what it kept back before is still counted. */
    assert_ptr_equal(event_ring_pop(path_events(fixture->path))->rule, &next->rules[2]);
    assert_null(event_ring_pop(path_events(fixture->path)));
    batch_reset(fixture->batch);
    feed(fixture, forged.bytes, forged.length);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 9 * SECOND});
    assert_int_equal(event_ring_pop(path_events(fixture->path))->suppressed, 2);
}

static void test_new_limit_starts_anew(void **state)
{
    struct fixture *fixture = *state;
    struct ruleset *next = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);

    add_logging_rule(fixture->ruleset, "kept", 1, &action_ttl);
    restart(fixture);
    forge_udp_packet(FAMILY_IPV4);
    run(fixture);
    assert_non_null(event_ring_pop(path_events(fixture->path)));
    add_logging_rule(next, "kept", 2, &action_ttl);
    put_in_force(fixture, next);
    run(fixture);
    assert_non_null(event_ring_pop(path_events(fixture->path)));
}

/* Holds for each VALUE-th packet that it is asked about; `time` and chance are looked at too. */
struct turn_state {
    uintptr_t asked;
};

static unsigned live_turns;
static struct match_context last_context;

static void *turn_new(const void *value)
{
    (void)value;
    live_turns++;
    return calloc(1, sizeof(struct turn_state));
}

static void turn_free(void *state)
{
    live_turns--;
    free(state);
}

static bool turn_test(const void *value, const struct match_context *context,
                      const struct packet *packet)
{
    struct turn_state *state = context->state;

    (void)packet;
    last_context = *context;
    return ++state->asked % (uintptr_t)value == 0;
}

static void turn_keep(void *value)
{
    (void)value;
}

static void turn_print(const void *value, FILE *out)
{
    fprintf(out, "%zu", (size_t)value);
}

static const struct match_type match_turn = {.key = "turn",
                                             .free = turn_keep,
                                             .test = turn_test,
                                             .print = turn_print,
                                             .state_new = turn_new,
                                             .state_free = turn_free,
                                             .varies = true,
                                             .spends = true};

/* Each TURN-th packet to port 80 gets a TTL of 7; the selector is written first. */
static void add_turn_rule(struct ruleset *ruleset, const char *name, uintptr_t turn)
{
    struct rule rule = rulebook_rule(name);

    assert_int_equal(rule_add_match(&rule, &match_turn, rulebook_value(turn)), 0);
    assert_int_equal(rule_add_match(&rule, &match_dport, rulebook_value(80)), 0);
    assert_int_equal(rule_add_action(&rule, &action_ttl, rulebook_value(7)), 0);
    assert_int_equal(ruleset_add(ruleset, &rule), 0);
}

static void run_to_port(struct fixture *fixture, uint16_t port, bool expected)
{
    forge_udp_packet(FAMILY_IPV4);
    be16_store(forged.bytes + forged.l4 + 2, port);
    assert_int_equal(packet_ttl(run(fixture)) == 7, expected);
}

/* What spends is asked only when all else holds, whatever was written first. */
static void test_spending_match_comes_last(void **state)
{
    struct fixture *fixture = *state;

    add_turn_rule(fixture->ruleset, "second", 2);
    restart(fixture);
    run_to_port(fixture, 80, false);
    run_to_port(fixture, 81, false);
    run_to_port(fixture, 81, false);
    run_to_port(fixture, 80, true);
    run_to_port(fixture, 80, false);
    assert_int_equal(last_context.time.now_ns, SECOND);
    assert_non_null(last_context.rng);
}

/* What is in the way is found without a turn being used up. */
static void test_obstacle(void **state)
{
    struct fixture *fixture = *state;

    add_turn_rule(fixture->ruleset, "second", 2);
    rulebook_add(fixture->ruleset, "all", NULL, 0, &action_accept, 0);
    restart(fixture);
    run_to_port(fixture, 80, false);
    assert_int_equal(path_obstacle(fixture->path, 0, &fixture->batch->packets[0]), 1);
    assert_int_equal(path_obstacle(fixture->path, 1, &fixture->batch->packets[0]), 0);
    run_to_port(fixture, 81, false);
    assert_int_equal(path_obstacle(fixture->path, 0, &fixture->batch->packets[0]), 0);
    run_to_port(fixture, 80, true);
}

/* What a match has counted goes on by rule name, as long as its value is the same. */
static void test_match_state_over_new_ruleset(void **state)
{
    struct fixture *fixture = *state;
    struct ruleset *next;

    add_turn_rule(fixture->ruleset, "gone", 1000);
    add_turn_rule(fixture->ruleset, "kept", 3);
    restart(fixture);
    assert_int_equal(live_turns, 2);
    run_to_port(fixture, 80, false);
    run_to_port(fixture, 80, false);

    next = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    add_turn_rule(next, "kept", 3);
    add_turn_rule(next, "new", 1000);
    put_in_force(fixture, next);
    assert_int_equal(live_turns, 2);
    run_to_port(fixture, 80, true);
    run_to_port(fixture, 80, false);

    next = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    add_turn_rule(next, "kept", 2);
    put_in_force(fixture, next);
    assert_int_equal(live_turns, 1);
    run_to_port(fixture, 80, false);
    run_to_port(fixture, 80, true);
    path_free(fixture->path);
    fixture->path = NULL;
    assert_int_equal(live_turns, 0);
}

static void test_new_host_view(void **state)
{
    struct fixture *fixture = *state;
    struct host_view *empty = host_view_new(NULL, 0, NULL, 0, NULL, 0);

    forge_udp_packet(FAMILY_IPV4);
    assert_int_equal(run(fixture)->direction, DIRECTION_OUT);
    path_set_host_view(fixture->path, empty);
    assert_int_equal(run(fixture)->direction, DIRECTION_FORWARD);
    host_view_free(empty);
}

static void test_batch_is_bounded(void **state)
{
    struct fixture *fixture = *state;

    batch_reset(fixture->batch);
    for (unsigned i = 0; i < BATCH_PACKETS; i++)
        feed(fixture, NULL, 0);
    assert_null(batch_next_buffer(fixture->batch));
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = SECOND});
    assert_int_equal(path_counters(fixture->path)->drops[REASON_EMPTY], BATCH_PACKETS);
    batch_reset(fixture->batch);
    assert_non_null(batch_next_buffer(fixture->batch));
}

static void add_rules_of_every_kind(struct ruleset *ruleset)
{
    rulebook_add(ruleset, "port", &match_dport, 80, &action_dport, 8080);
    rulebook_add(ruleset, "far", &match_ttl, 63, &action_dst, 99);
    rulebook_add(ruleset, "near", &match_ttl, 62, &action_reject, 0);
    rulebook_add(ruleset, "ttl", &match_ttl, 64, &action_ttl, 200);
    rulebook_add(ruleset, "echo", NULL, 0, &action_echo, 0);
    add_logging_rule(ruleset, "log", 10, &action_ttl);
}

static void assert_parses_again(const struct packet *packet)
{
    struct packet again = {
        .data = packet->data, .length = packet->length, .capacity = packet->capacity};

    assert_int_equal(parse_packet(&again), REASON_NONE);
    assert_int_equal(again.length, packet->length);
    assert_int_equal(again.l4_offset, packet->l4_offset);
}

/* DESIGN's invariants 1 and 4, and 3 as far as a verdict tells. */
static void check_batch(struct fixture *fixture, const bool *damaged)
{
    const struct path_counters *counters = path_counters(fixture->path);
    uint64_t dropped = 0;

    for (size_t i = 0; i < REASON_COUNT; i++)
        dropped += counters->drops[i];
    assert_int_equal(counters->in + counters->generated, counters->out + dropped);
    for (size_t i = 0; i < fixture->batch->count; i++) {
        const struct packet *packet = &fixture->batch->packets[i];

        if (packet->fate != FATE_OUT)
            continue;
        assert_parses_again(packet);
        assert_int_equal(fixup_is_damaged(packet), damaged[i]);
    }
    for (size_t i = 0; i < fixture->batch->answer_count; i++) {
        assert_parses_again(&fixture->batch->answers[i]);
        assert_false(fixup_is_damaged(&fixture->batch->answers[i]));
    }
}

static void test_invariants_over_generated_packets(void **state)
{
    struct fixture *fixture = *state;
    struct random random = {7};
    uint64_t seen = 0;

    add_rules_of_every_kind(fixture->ruleset);
    restart(fixture);
    for (unsigned round = 0; round < 400; round++) {
        bool damaged[BATCH_PACKETS];
        size_t count = 1 + random_below(&random, BATCH_PACKETS);

        batch_reset(fixture->batch);
        for (size_t i = 0; i < count; i++) {
            struct packet packet;

            forge_anything(&forged, &random);
            feed(fixture, forged.bytes, forged.length);
            packet = forged_raw(&forged);
            damaged[i] = parse_packet(&packet) == REASON_NONE && fixup_is_damaged(&packet);
        }
        seen += count;
        path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = round * (SECOND / 50)});
        check_batch(fixture, damaged);
    }
    assert_int_equal(path_counters(fixture->path)->in, seen);
    assert_true(path_counters(fixture->path)->drops[REASON_REJECTED] > 0);
    assert_true(path_counters(fixture->path)->drops[REASON_OWN_PREFIX] > 0);
    assert_true(path_counters(fixture->path)->drops[REASON_ANSWERED] > 0);
    assert_true(path_counters(fixture->path)->drops[REASON_BAD_IP_TOTAL_LENGTH] > 0);
    assert_true(path_counters(fixture->path)->edited > 0);
}

#define PATH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PATH_TEST(test_untouched_is_untouched),
        PATH_TEST(test_later_rules_see_edits),
        PATH_TEST(test_all_matches_of_a_rule_must_hold),
        PATH_TEST(test_decision_ends_the_list),
        PATH_TEST(test_policy),
        PATH_TEST(test_echo_of_udp_goes_on),
        PATH_TEST(test_direction),
        PATH_TEST(test_malformed),
        PATH_TEST(test_own_prefix),
        PATH_TEST(test_reject_and_echo_answer),
        PATH_TEST(test_events),
        PATH_TEST(test_event_limit),
        PATH_TEST(test_full_event_ring),
        PATH_TEST(test_observer),
        PATH_TEST(test_new_ruleset),
        PATH_TEST(test_new_limit_starts_anew),
        PATH_TEST(test_spending_match_comes_last),
        PATH_TEST(test_obstacle),
        PATH_TEST(test_match_state_over_new_ruleset),
        PATH_TEST(test_loop),
        PATH_TEST(test_new_host_view),
        PATH_TEST(test_batch_is_bounded),
        PATH_TEST(test_invariants_over_generated_packets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
