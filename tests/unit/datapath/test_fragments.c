/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments: what is remembered of a datagram, how rules treat its parts, and that no sequence of
 * them lets a receiver put together what a rule would have stopped.
 */
#include "../random.h"
#include "../unit.h"
#include "forge.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/edit.h"
#include "ipmodd/datapath/path.h"
#include "path_parts.h"
#include "src/datapath/fragment_park.h"
#include "src/datapath/fragments.h"

#include <netinet/in.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

static const char *const rules_none[] = {NULL};

static struct forged forged;

/* A fragment of a TCP datagram from port 1234 to 80; of a later one, DATA bytes of noise. */
static void forge_part(enum ip_family family, size_t place, bool more, size_t data)
{
    forge_ip(&forged, family, IPPROTO_TCP);
    forge_fragment(&forged, place, more);
    if (place == 0)
        forge_tcp(&forged, 2, NULL, 0, data - 20);
    else
        forge_udp(&forged, data - 8);
    forge_seal_ip(&forged);
}

/* IPv4's identification, or the low half of IPv6's. */
static void set_id(uint16_t id)
{
    uint8_t *field = forged.family == FAMILY_IPV4 ? forged.bytes + 4 : forged.bytes + 46;

    field[0] = (uint8_t)(id >> 8);
    field[1] = (uint8_t)id;
}

static enum reason offer(struct fragments *fragments, struct packet *packet)
{
    *packet = forged_packet(&forged);
    return fragments_follow(fragments, packet);
}

static bool is_followed(struct fragments *fragments)
{
    struct packet packet;

    assert_int_equal(offer(fragments, &packet), REASON_NONE);
    return (packet.flags & PACKET_ORPHAN) == 0;
}

static struct fragments *new_table(uint64_t now_ns)
{
    struct fragments *fragments = fragments_new();

    assert_non_null(fragments);
    fragments_begin(fragments, now_ns);
    return fragments;
}

static void test_later_ones_see_the_header(void **state)
{
    struct fragments *fragments = new_table(SECOND);
    struct packet packet;

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        uint8_t before[FORGED_MAX];

        forge_part(family, 0, true, 64);
        assert_int_equal(offer(fragments, &packet), REASON_NONE);
        forge_part(family, 64, false, 16);
        assert_int_equal(offer(fragments, &packet), REASON_NONE);
        memcpy(before, packet.data, packet.length);
        assert_true(packet_has_ports(&packet) && packet_is_tcp(&packet));
        assert_int_equal(packet_sport(&packet), 1234);
        assert_int_equal(packet_dport(&packet), 80);
        assert_int_equal(packet_tcp_flags(&packet), 2);
        assert_int_equal(packet_l4_length(&packet), 20);
        assert_true(edit_dport(&packet, 81));
        assert_int_equal(packet_dport(&packet), 81);
        assert_int_equal(packet.flags & PACKET_EDITED, 0);
        assert_memory_equal(before, packet.data, packet.length);
    }
    fragments_free(fragments);
}

/* What one later fragment does with its shadow is no business of the next. */
static void test_each_has_its_own_shadow(void **state)
{
    struct fragments *fragments = new_table(SECOND);
    struct packet one, other;

    (void)state;
    forge_part(FAMILY_IPV4, 0, true, 64);
    offer(fragments, &one);
    forge_part(FAMILY_IPV4, 64, true, 64);
    offer(fragments, &one);
    edit_dport(&one, 9);
    forge_part(FAMILY_IPV4, 128, false, 64);
    offer(fragments, &other);
    assert_int_equal(packet_dport(&one), 9);
    assert_int_equal(packet_dport(&other), 80);
    fragments_free(fragments);
}

static void test_what_a_datagram_is_known_by(void **state)
{
    struct fragments *fragments = new_table(SECOND);

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        size_t src = family == FAMILY_IPV4 ? 15 : 23, dst = family == FAMILY_IPV4 ? 19 : 39;

        forge_part(family, 0, true, 64);
        assert_true(is_followed(fragments));
        for (size_t i = 0; i < 3; i++) {
            forge_part(family, 64, false, 16);
            if (i == 0)
                forged.bytes[src] ^= 1;
            if (i == 1)
                forged.bytes[dst] ^= 1;
            if (i == 2)
                set_id(77);
            assert_false(is_followed(fragments));
        }
        forge_part(family, 64, false, 16);
        assert_true(is_followed(fragments));
    }
    fragments_free(fragments);
}

/* RFC 791: the protocol counts. RFC 8200 4.5: it does not, and that of the first one is right. */
static void test_protocol_of_later_ones(void **state)
{
    struct fragments *fragments = new_table(SECOND);
    struct packet packet;

    (void)state;
    forge_part(FAMILY_IPV4, 0, true, 64);
    assert_true(is_followed(fragments));
    forge_part(FAMILY_IPV4, 64, false, 16);
    forged.bytes[9] = IPPROTO_UDP;
    assert_false(is_followed(fragments));
    forge_part(FAMILY_IPV6, 0, true, 64);
    assert_true(is_followed(fragments));
    forge_part(FAMILY_IPV6, 64, false, 16);
    forged.bytes[40] = IPPROTO_UDP;
    assert_int_equal(offer(fragments, &packet), REASON_NONE);
    assert_int_equal(packet.proto, IPPROTO_TCP);
    fragments_free(fragments);
}

static void test_forgotten_after_thirty_seconds(void **state)
{
    struct fragments *fragments = new_table(SECOND);

    (void)state;
    forge_part(FAMILY_IPV6, 0, true, 64);
    assert_true(is_followed(fragments));
    forge_part(FAMILY_IPV6, 64, false, 16);
    fragments_begin(fragments, 31 * SECOND - 1);
    assert_true(is_followed(fragments));
    fragments_begin(fragments, 31 * SECOND);
    assert_false(is_followed(fragments));
    fragments_free(fragments);
}

static void test_another_seed_forgets(void **state)
{
    struct fragments *fragments = new_table(SECOND);

    (void)state;
    forge_part(FAMILY_IPV6, 0, true, 64);
    assert_true(is_followed(fragments));
    fragments_seed(fragments, 5);
    forge_part(FAMILY_IPV6, 64, false, 16);
    assert_false(is_followed(fragments));
    fragments_free(fragments);
}

static void test_refused(void **state)
{
    static const struct {
        size_t place, data;
        enum reason reason;
    } later[] = {
        {8, 8, REASON_OVERLAPPING_FRAGMENT}, /* RFC 3128 */
        {24, 48, REASON_OVERLAPPING_FRAGMENT},
        {56, 8, REASON_OVERLAPPING_FRAGMENT},
        {64, 8, REASON_NONE},
        {128, 8, REASON_NONE},
    };
    struct fragments *fragments = new_table(SECOND);
    struct packet packet;

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        forge_part(family, 0, true, 64);
        assert_int_equal(offer(fragments, &packet), REASON_NONE);
        for (size_t i = 0; i < ARRAY_SIZE(later); i++) {
            forge_part(family, later[i].place, true, later[i].data);
            assert_int_equal(offer(fragments, &packet), later[i].reason);
        }
        for (size_t data = 8; data <= 24; data += 8) { /* the TCP header has 20 bytes */
            forge_part(family, 0, true, 64);
            forged.length -= 64 - data;
            set_id(3);
            forge_seal_ip(&forged);
            assert_int_equal(offer(fragments, &packet),
                             data < 20 ? REASON_TINY_FRAGMENT : REASON_NONE);
        }
    }
    fragments_free(fragments);
}

/* ESP has no header that a rule reads: its first fragment is never too small. */
static void test_unknown_protocols_are_followed(void **state)
{
    struct fragments *fragments = new_table(SECOND);
    struct packet packet;

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        for (size_t place = 0; place <= 8; place += 8) {
            forge_ip(&forged, family, IPPROTO_ESP);
            forge_fragment(&forged, place, true);
            forge_bytes(&forged, "12345678", 8);
            forge_seal_ip(&forged);
            assert_int_equal(offer(fragments, &packet), REASON_NONE);
            assert_int_equal(packet.flags & PACKET_ORPHAN, 0);
            assert_false(packet_sees_l4(&packet));
        }
    }
    fragments_free(fragments);
}

/* Identifications of IPv4 come again: the new datagram counts. Those of IPv6 do not. */
static void test_a_second_first_one(void **state)
{
    struct fragments *fragments = new_table(SECOND);
    struct packet packet;

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        enum reason reason = family == FAMILY_IPV4 ? REASON_NONE : REASON_OVERLAPPING_FRAGMENT;

        forge_part(family, 0, true, 64);
        assert_int_equal(offer(fragments, &packet), REASON_NONE);
        assert_int_equal(offer(fragments, &packet), REASON_NONE);
        forged.bytes[forged.l4 + 3] = 81;
        assert_int_equal(offer(fragments, &packet), reason);
        forge_part(family, 64, false, 16);
        assert_int_equal(offer(fragments, &packet), REASON_NONE);
        assert_int_equal(packet_dport(&packet), family == FAMILY_IPV4 ? 81 : 80);
    }
    fragments_free(fragments);
}

/* However many datagrams somebody begins: the next one is followed, at first sight. */
static void test_a_flood_is_bounded(void **state)
{
    struct fragments *fragments = new_table(0);
    unsigned followed = 0;

    (void)state;
    for (unsigned i = 0; i < 60000; i++) {
        fragments_begin(fragments, SECOND + i);
        forge_part(FAMILY_IPV4, 0, true, 24);
        set_id((uint16_t)i);
        assert_true(is_followed(fragments));
        forge_part(FAMILY_IPV4, 24, true, 8);
        set_id((uint16_t)i);
        assert_true(is_followed(fragments));
    }
    for (unsigned i = 0; i < 60000; i++) {
        fragments_begin(fragments, SECOND + 60000);
        forge_part(FAMILY_IPV4, 24, true, 8);
        set_id((uint16_t)i);
        followed += is_followed(fragments);
    }
    assert_int_equal(followed, 512 * 8);
    fragments_free(fragments);
}

/* The path. Rules are "key = value" a line each, "" between two rules. */
struct fixture {
    struct ruleset *ruleset;
    struct host_view *view;
    struct path *path;
    struct batch *batch;
};

static void add_line(struct rule *rule, const char *line)
{
    const struct scope scope = scope_all();
    struct value_error error;
    char key[32];
    const char *text = strchr(line, '=') + 2;
    void *value;

    assert_true(sscanf(line, "%31s", key) == 1);
    if (match_type_find(key) != NULL) {
        const struct match_type *type = match_type_find(key);

        assert_int_equal(type->parse(text, &scope, &value, &error), 0);
        assert_int_equal(rule_add_match(rule, type, value), 0);
    } else {
        const struct action_type *type = action_type_find(key);

        assert_int_equal(type->parse(text, &scope, &value, &error), 0);
        assert_int_equal(rule_add_action(rule, type, value), 0);
    }
}

static void start(struct fixture *fixture, enum policy policy, const char *const *lines)
{
    struct rule rule;

    fixture->ruleset = ruleset_new(policy, MALFORMED_DROP);
    fixture->view = host_view_new(NULL, 0, NULL, 0, NULL, 0);
    fixture->batch = batch_new();
    while (*lines != NULL) {
        assert_int_equal(rule_init(&rule, "r", "f", 1), 0);
        for (; *lines != NULL && **lines != '\0'; lines++)
            add_line(&rule, *lines);
        assert_int_equal(ruleset_add(fixture->ruleset, &rule), 0);
        lines += *lines != NULL;
    }
    fixture->path = path_new(fixture->ruleset, fixture->view);
    assert_non_null(fixture->path);
}

static void stop(struct fixture *fixture)
{
    path_parts_free(fixture->path, fixture->ruleset, fixture->view, fixture->batch);
}

static const struct packet *run_at(struct fixture *fixture, uint64_t now_ns)
{
    const struct moment now = {.now_ns = now_ns};

    batch_reset(fixture->batch);
    memcpy(batch_next_buffer(fixture->batch), forged.bytes, forged.length);
    batch_commit(fixture->batch, forged.length);
    path_run(fixture->path, fixture->batch, &now);
    return &fixture->batch->packets[0];
}

static const struct packet *run(struct fixture *fixture)
{
    return run_at(fixture, SECOND);
}

/* Both parts of a datagram, in order; the later one is returned. */
static const struct packet *run_two(struct fixture *fixture, enum ip_family family)
{
    forge_part(family, 0, true, 64);
    run(fixture);
    forge_part(family, 64, false, 64);
    return run(fixture);
}

static void test_rules_hold_for_all_parts(void **state)
{
    static const char *const stops[][8] = {
        {"dport = 80", "verdict = drop"},
        {"tcp-flags = syn", "window = 4096", "verdict = drop"},
        {"tcp-option = !any", "verdict = drop"},
        {"dport = 80", "set-dport = 81", "", "dport = 81", "verdict = drop"},
        {"set-tcp-flags = ack", "", "tcp-flags = ack", "verdict = drop"},
        {"fragment = later", "dport = 80", "verdict = drop"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
        for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
            struct fixture fixture;
            const struct packet *packet;

            start(&fixture, POLICY_ACCEPT, stops[i]);
            packet = run_two(&fixture, family);
            assert_int_equal(packet->fate, FATE_DROP);
            assert_int_equal(packet->reason, REASON_RULE);
            stop(&fixture);
        }
    }
}

/* Edits of the IP header reach every part, those behind it none but the first. */
static void test_edits_of_all_parts(void **state)
{
    static const char *const lines[] = {
        "dport = 80", "set-ttl = 9", "set-dport = 81", "", "dport = 81", "set-dscp = ef", NULL};

    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        struct fixture fixture;
        const struct packet *packet;

        start(&fixture, POLICY_ACCEPT, lines);
        packet = run_two(&fixture, family);
        assert_int_equal(packet->fate, FATE_OUT);
        assert_int_equal(packet_ttl(packet), 9);
        assert_int_equal(packet_tos(packet) >> 2, 46);
        assert_int_equal(path_rule_counters(fixture.path, 1)->packets, 2);
        assert_memory_equal(packet->data + packet->l4_offset, forged.bytes + packet->l4_offset,
                            packet->length - packet->l4_offset);
        stop(&fixture);
    }
}

struct orphan_case {
    const char *lines[8];
    enum policy policy;
    enum fate fates[FAMILY_COUNT];
};

static void test_orphans(void **state)
{
    static const struct orphan_case cases[] = {
        {{"dport = 80", "verdict = drop"}, POLICY_ACCEPT, {FATE_PARKED, FATE_PARKED}},
        {{"dport = 80", "verdict = reject"}, POLICY_ACCEPT, {FATE_PARKED, FATE_PARKED}},
        {{"dport = 80", "set-src = 203.0.113.7", "", "tcp-flags = ack", "set-src = 2001:db8::7"},
         POLICY_ACCEPT,
         {FATE_PARKED, FATE_PARKED}},
        /* another protocol, which IPv4 knows of an orphan, or something that is not about it */
        {{"proto = udp", "dport = 80", "verdict = drop"}, POLICY_ACCEPT, {FATE_OUT, FATE_PARKED}},
        {{"icmp-type = echo-request", "verdict = drop"}, POLICY_ACCEPT, {FATE_OUT, FATE_PARKED}},
        {{"dport = 80", "ttl = 3", "verdict = drop"}, POLICY_ACCEPT, {FATE_OUT, FATE_OUT}},
        /* nothing that a part must not miss */
        {{"dport = 80", "set-dscp = ef"}, POLICY_ACCEPT, {FATE_OUT, FATE_OUT}},
        {{"dport = 80"}, POLICY_ACCEPT, {FATE_OUT, FATE_OUT}},
        /* an `accept` that may hold, where others are dropped */
        {{"dport = 80", "verdict = accept"}, POLICY_DROP, {FATE_PARKED, FATE_PARKED}},
        {{"dport = 80", "verdict = accept", "", "ttl = 64", "verdict = drop"},
         POLICY_ACCEPT,
         {FATE_PARKED, FATE_PARKED}},
        {{"proto = tcp", "verdict = accept"}, POLICY_DROP, {FATE_OUT, FATE_PARKED}},
        /* decided before it matters */
        {{"ttl = 64", "verdict = accept", "", "dport = 80", "verdict = drop"},
         POLICY_ACCEPT,
         {FATE_OUT, FATE_OUT}},
        {{"dport = 80", "verdict = accept"}, POLICY_ACCEPT, {FATE_OUT, FATE_OUT}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
            struct fixture fixture;
            const struct packet *packet;

            start(&fixture, cases[i].policy, cases[i].lines);
            forge_part(family, 64, true, 64);
            packet = run(&fixture);
            if (packet->fate != cases[i].fates[family])
                fail_msg("case %zu family %d: fate %d", i, (int)family, (int)packet->fate);
            assert_memory_equal(packet->data, forged.bytes, forged.length);
            stop(&fixture);
        }
    }
}

/* Without a rule on the upper layer nothing can be evaded, and nothing is held back. */

static const char *const moves_port_80[] = {"dport = 80", "set-src = 203.0.113.7", "",
                                            "dport = 80", "set-src = 2001:db8::7", NULL};

/* They follow their first one in the order in which they came, and get what it gets. */
static void test_parked_ones_go_behind_the_first(void **state)
{
    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        struct fixture fixture;
        const struct packet *packet;
        struct ip_addr source;

        start(&fixture, POLICY_ACCEPT, moves_port_80);
        for (size_t place = 64; place <= 192; place += 64) {
            forge_part(family, place, true, 64);
            assert_int_equal(run(&fixture)->fate, FATE_PARKED);
        }
        forge_part(family, 64, true, 64);
        set_id(11);
        assert_int_equal(run(&fixture)->fate, FATE_PARKED);
        forge_part(family, 0, true, 64);
        packet = run(&fixture);
        source = ip_addr_from_bytes(family, packet_src(packet));
        for (size_t place = 0; place <= 192; place += 64, packet = packet->behind) {
            if (packet == NULL)
                fail_msg("family %d place %zu", (int)family, place);
            assert_int_equal(packet->fate, FATE_OUT);
            assert_int_equal(packet_fragment_place(packet), place);
            assert_memory_equal(packet_src(packet), source.bytes, IP_ADDR_BYTES(family));
            assert_int_equal(packet_src(packet)[0], family == FAMILY_IPV4 ? 203 : 0x20);
        }
        assert_null(packet);
        assert_int_equal(path_counters(fixture.path)->parked, 1);
        assert_int_equal(path_counters(fixture.path)->in, 5);
        assert_int_equal(path_counters(fixture.path)->out, 4);
        stop(&fixture);
    }
}

/* What overlaps its first one is refused when that has come, and a tiny first one frees nobody. */
static void test_parked_ones_are_held_against_the_first(void **state)
{
    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        struct fixture fixture;
        const struct packet *packet;

        start(&fixture, POLICY_ACCEPT, moves_port_80);
        forge_part(family, 8, true, 64);
        assert_int_equal(run(&fixture)->fate, FATE_PARKED);
        forge_part(family, 0, true, 64);
        forged.length -= 56;
        forge_seal_ip(&forged);
        packet = run(&fixture);
        assert_int_equal(packet->reason, REASON_TINY_FRAGMENT);
        assert_null(packet->behind);
        forge_part(family, 0, true, 64);
        packet = run(&fixture)->behind;
        assert_int_equal(packet->reason, REASON_OVERLAPPING_FRAGMENT);
        stop(&fixture);
    }
}

static void test_parked_ones_have_their_time(void **state)
{
    struct fixture fixture;

    (void)state;
    start(&fixture, POLICY_ACCEPT, moves_port_80);
    forge_part(FAMILY_IPV4, 64, true, 64);
    run_at(&fixture, SECOND);
    set_id(9);
    run_at(&fixture, SECOND + PARK_WAIT_NS - 1);
    assert_int_equal(path_counters(fixture.path)->parked, 2);
    set_id(10);
    run_at(&fixture, SECOND + PARK_WAIT_NS);
    assert_int_equal(path_counters(fixture.path)->parked, 2);
    assert_int_equal(path_counters(fixture.path)->drops[REASON_FRAGMENT_TIMEOUT], 1);
    assert_int_equal(path_expires_ns(fixture.path), SECOND + 2 * PARK_WAIT_NS - 1);
    path_expire(fixture.path, &(struct moment){.now_ns = SECOND + 2 * PARK_WAIT_NS - 2});
    assert_int_equal(path_counters(fixture.path)->parked, 2);
    path_expire(fixture.path, &(struct moment){.now_ns = SECOND + 2 * PARK_WAIT_NS - 1});
    assert_int_equal(path_counters(fixture.path)->parked, 1);
    assert_int_equal(path_counters(fixture.path)->drops[REASON_FRAGMENT_TIMEOUT], 2);
    path_finish(fixture.path);
    assert_int_equal(path_counters(fixture.path)->parked, 0);
    assert_int_equal(path_counters(fixture.path)->drops[REASON_FRAGMENT_TIMEOUT], 3);
    assert_int_equal(path_expires_ns(fixture.path), UINT64_MAX);
    stop(&fixture);
}

/* The packets are the rules' business when they go on, not when they came: a reload in between. */
static void test_parked_ones_meet_the_rules_that_there_are(void **state)
{
    struct fixture fixture, next;
    struct path_rules *rules;
    const struct packet *packet;

    (void)state;
    start(&fixture, POLICY_ACCEPT, moves_port_80);
    start(&next, POLICY_ACCEPT, rules_none);
    forge_part(FAMILY_IPV4, 64, true, 64);
    assert_int_equal(run(&fixture)->fate, FATE_PARKED);
    rules = path_rules_new(next.ruleset, fixture.ruleset);
    path_exchange_rules(fixture.path, rules);
    path_rules_free(rules);
    forge_part(FAMILY_IPV4, 0, true, 64);
    packet = run(&fixture)->behind;
    assert_int_equal(packet->fate, FATE_OUT);
    assert_int_equal(packet->flags & PACKET_EDITED, 0);
    stop(&fixture);
    stop(&next);
}

/* RFC 4787 REQ-14 a: who sends parts without a first one pushes out his own. */
static void test_a_flood_of_later_ones_is_fair(void **state)
{
    (void)state;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        struct fixture fixture;

        start(&fixture, POLICY_ACCEPT, moves_port_80);
        forge_part(family, 64, true, 64);
        assert_int_equal(run(&fixture)->fate, FATE_PARKED);
        for (unsigned i = 0; i < 4 * PARK_FRAGMENTS; i++) {
            forge_part(family, 64, true, 64);
            forged.bytes[15] ^= 1; /* another source, or another network */
            if (family == FAMILY_IPV6)
                forged.bytes[20] = (uint8_t)i; /* any host of it */
            set_id((uint16_t)i);
            forge_seal_ip(&forged);
            assert_int_equal(run(&fixture)->fate, FATE_PARKED);
        }
        assert_int_equal(path_counters(fixture.path)->parked, PARK_FRAGMENTS);
        assert_int_equal(path_counters(fixture.path)->drops[REASON_FRAGMENT_BEFORE_FIRST],
                         3 * PARK_FRAGMENTS + 1);
        forge_part(family, 0, true, 64);
        assert_non_null(run(&fixture)->behind);
        stop(&fixture);
    }
}

/* Without room for it, or longer than a place: dropped as such. */
static void test_what_cannot_be_parked(void **state)
{
    static uint8_t bytes[PARK_BYTES + 8];
    struct fixture fixture;

    (void)state;
    start(&fixture, POLICY_ACCEPT, moves_port_80);
    forge_part(FAMILY_IPV4, 64, true, 64);
    memcpy(bytes, forged.bytes, forged.length);
    for (size_t length = PARK_BYTES - 4; length <= sizeof(bytes) - 4; length += 8) {
        const struct moment now = {.now_ns = SECOND};

        bytes[2] = (uint8_t)(length >> 8);
        bytes[3] = (uint8_t)length;
        batch_reset(fixture.batch);
        memcpy(batch_next_buffer(fixture.batch), bytes, length);
        batch_commit(fixture.batch, length);
        path_run(fixture.path, fixture.batch, &now);
        assert_int_equal(fixture.batch->packets[0].fate,
                         length <= PARK_BYTES ? FATE_PARKED : FATE_DROP);
    }
    assert_int_equal(path_counters(fixture.path)->drops[REASON_FRAGMENT_BEFORE_FIRST], 1);
    stop(&fixture);
}

static void test_nothing_is_refused_without_such_a_rule(void **state)
{
    static const char *const about_ip[] = {"ttl = 1", "verdict = drop", NULL};
    const char *const *sets[] = {rules_none, about_ip};

    (void)state;
    for (size_t set = 0; set < ARRAY_SIZE(sets); set++) {
        for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
            struct fixture fixture;

            start(&fixture, POLICY_ACCEPT, sets[set]);
            for (size_t place = 0; place < 24; place += 8) {
                const struct packet *packet;

                forge_part(family, place, true, 64);
                if (place == 0)
                    forged.length -= 56;
                forge_seal_ip(&forged);
                packet = run(&fixture);
                assert_int_equal(packet->fate, FATE_OUT);
                assert_memory_equal(packet->data, forged.bytes, forged.length);
            }
            stop(&fixture);
        }
    }
}

/*
 * The property. Somebody sends any sequence of fragments, made of slices of a few datagrams, to get
 * one past `drop` whose header a rule would have stopped. Whatever leaves is put together as
 * receivers do or did, the first or the last byte counting where fragments overlap, with the next
 * header of the first or last fragment at place 0. As soon as the header is there the result is
 * held against the rules by a reader of this test's own.
 */
enum {
    DATAGRAM = 128,
    PARTS = 6,
    SEQUENCES = 60000,
    EVIL_PORT = 22,
};

struct receiver {
    bool last_wins, last_names;
    uint8_t bytes[2 * DATAGRAM];
    bool filled[2 * DATAGRAM];
    bool named;
    uint8_t proto;
};

static void receive(struct receiver *receiver, const struct packet *packet)
{
    size_t place = packet_fragment_place(packet);
    const uint8_t *data = packet->data + packet->fragment_offset;
    size_t next = packet->family == FAMILY_IPV4 ? 9 : 40;

    for (size_t i = 0; i < packet->length - packet->fragment_offset; i++) {
        if (!receiver->filled[place + i] || receiver->last_wins)
            receiver->bytes[place + i] = data[i];
        receiver->filled[place + i] = true;
    }
    if (place == 0 && (!receiver->named || receiver->last_names)) {
        receiver->named = true;
        receiver->proto = packet->data[next];
    }
}

static bool has(const struct receiver *receiver, size_t at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (at + i >= sizeof(receiver->filled) || !receiver->filled[at + i])
            return false;
    }
    return true;
}

/* Whether what was received has a TCP SYN, or any UDP, to EVIL_PORT. */
static bool is_evil(const struct receiver *receiver)
{
    uint8_t proto = receiver->proto;
    const uint8_t *l4;
    size_t at = 0;

    if (!receiver->named)
        return false;
    for (; proto == IPPROTO_DSTOPTS && has(receiver, at, 2); at += 8u) {
        proto = receiver->bytes[at];
        at += receiver->bytes[at + 1] * 8u;
    }
    l4 = receiver->bytes + at;
    if (!has(receiver, at, 8) || l4[2] != 0 || l4[3] != EVIL_PORT)
        return false;
    if (proto == IPPROTO_UDP)
        return true;
    return proto == IPPROTO_TCP && has(receiver, at, 20) && (l4[13] & 2) != 0;
}

/* Options, then a header to PORT, then as many more of them as there is room for. */
static void fill_datagram(uint8_t *bytes, uint8_t *ret_proto, enum ip_family family,
                          struct random *random)
{
    uint8_t proto = random_below(random, 2) == 0 ? IPPROTO_TCP : IPPROTO_UDP;
    size_t at = 0;

    memset(bytes, 0, DATAGRAM);
    *ret_proto = proto;
    if (family == FAMILY_IPV6) {
        size_t headers = random_below(random, 3);

        for (size_t i = 0; i < headers; i++, at += 8) {
            static const uint8_t padding[8] = {0, 0, 1, 4};

            memcpy(bytes + at, padding, 8);
            bytes[at] = i + 1 < headers ? IPPROTO_DSTOPTS : proto;
            *ret_proto = IPPROTO_DSTOPTS;
        }
    }
    while (at + 24 <= DATAGRAM) {
        uint8_t header[20] = {0,    (uint8_t)(random_below(random, 2) == 0 ? IPPROTO_TCP : 0),
                              0,    (uint8_t)(random_below(random, 3) == 0 ? EVIL_PORT : 80),
                              0,    30,
                              0,    0,
                              0,    0,
                              0,    0,
                              0x50, (uint8_t)(random_below(random, 2) * 2)};

        memcpy(bytes + at, header, sizeof(header));
        at += 8 * (1 + random_below(random, 3));
    }
}

static void forge_slice(enum ip_family family, uint16_t id, struct random *random)
{
    static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_DSTOPTS, IPPROTO_NONE};
    uint8_t bytes[DATAGRAM], proto;
    size_t place = random_below(random, 3) == 0 ? 0 : 8 * random_below(random, 8);
    size_t length = 8 * (1 + random_below(random, 8));

    fill_datagram(bytes, &proto, family, random);
    if (place > 0 && family == FAMILY_IPV6)
        proto = protos[random_below(random, ARRAY_SIZE(protos))];
    if (family == FAMILY_IPV4) /* where it is part of what a datagram is known by */
        proto = id % 2 == 0 ? IPPROTO_TCP : IPPROTO_UDP;
    forge_ip(&forged, family, proto);
    forge_fragment(&forged, place, true);
    set_id(id);
    forge_bytes(&forged, bytes + place, MIN_OF(length, DATAGRAM - place));
    forge_seal_ip(&forged);
}

/* Whether a receiver of any kind was led astray by PARTS fragments. */
static bool attack(struct fixture *fixture, enum ip_family family, uint16_t id,
                   struct random *random, unsigned *passed)
{
    struct receiver receivers[4] = {{.last_wins = false},
                                    {.last_wins = true},
                                    {.last_names = true},
                                    {.last_wins = true, .last_names = true}};

    for (unsigned part = 0; part < PARTS; part++) {
        const struct packet *packet;

        forge_slice(family, id, random);
        for (packet = run(fixture); packet != NULL; packet = packet->behind) {
            if (packet->fate != FATE_OUT)
                continue;
            ++*passed;
            for (size_t i = 0; i < ARRAY_SIZE(receivers); i++) {
                receive(&receivers[i], packet);
                if (is_evil(&receivers[i]))
                    return true;
            }
        }
    }
    return false;
}

static void hold_against(const char *const *lines, enum policy policy, bool safe)
{
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        struct random random = {1 + family};
        unsigned passed = 0, evaded = 0;
        struct fixture fixture;

        start(&fixture, policy, lines);
        for (unsigned i = 0; i < SEQUENCES / 4; i++)
            evaded += attack(&fixture, family, (uint16_t)i, &random, &passed);
        assert_true(passed > SEQUENCES / 8);
        if (safe && evaded > 0)
            fail_msg("%u sequences of family %d got by", evaded, (int)family);
        assert_true(safe || evaded > SEQUENCES / 100); /* the attacks are worth something */
        stop(&fixture);
    }
}

static void test_no_sequence_slips_past(void **state)
{
    static const char *const drops[] = {"proto = tcp",
                                        "dport = 22",
                                        "tcp-flags = syn",
                                        "verdict = drop",
                                        "",
                                        "proto = udp",
                                        "dport = 22",
                                        "verdict = drop",
                                        NULL};
    static const char *const accepts[] = {"proto = tcp",
                                          "tcp-flags = !syn",
                                          "verdict = accept",
                                          "",
                                          "dport = !22",
                                          "verdict = accept",
                                          NULL};

    (void)state;
    hold_against(drops, POLICY_ACCEPT, true);
    hold_against(accepts, POLICY_DROP, true);
    hold_against(rules_none, POLICY_ACCEPT, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_later_ones_see_the_header),
        cmocka_unit_test(test_each_has_its_own_shadow),
        cmocka_unit_test(test_what_a_datagram_is_known_by),
        cmocka_unit_test(test_protocol_of_later_ones),
        cmocka_unit_test(test_forgotten_after_thirty_seconds),
        cmocka_unit_test(test_another_seed_forgets),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unknown_protocols_are_followed),
        cmocka_unit_test(test_a_second_first_one),
        cmocka_unit_test(test_a_flood_is_bounded),
        cmocka_unit_test(test_rules_hold_for_all_parts),
        cmocka_unit_test(test_edits_of_all_parts),
        cmocka_unit_test(test_orphans),
        cmocka_unit_test(test_parked_ones_go_behind_the_first),
        cmocka_unit_test(test_parked_ones_are_held_against_the_first),
        cmocka_unit_test(test_parked_ones_have_their_time),
        cmocka_unit_test(test_parked_ones_meet_the_rules_that_there_are),
        cmocka_unit_test(test_a_flood_of_later_ones_is_fair),
        cmocka_unit_test(test_what_cannot_be_parked),
        cmocka_unit_test(test_nothing_is_refused_without_such_a_rule),
        cmocka_unit_test(test_no_sequence_slips_past),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
