/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of a packet between the look ahead at its rules and its turn: rules see it as it is
 * then. Each test sends a batch in which packets change what those behind them are.
 */
#include "../unit.h"
#include "forge.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/tcp.h"
#include "path_parts.h"
#include "real_rule.h"

#include <netinet/in.h>
#include <string.h>

enum { FILLING = 8 }; /* rules, so that the set is compiled */

static struct forged forged;

/* Rules for ports that no packet has, and the path. */
static void start(struct path_parts *fixture)
{
    for (unsigned i = 0; i < FILLING; i++) {
        char port[8];

        snprintf(port, sizeof(port), "%u", 7000 + i);
        real_rule_add(fixture->ruleset, port, "sport", port, "verdict", "drop");
    }
    assert_int_equal(ruleset_finish(fixture->ruleset, NULL), 0);
    assert_non_null(fixture->ruleset->classifier);
    fixture->path = path_new(fixture->ruleset, fixture->view);
    assert_non_null(fixture->path);
    path_set_seed(fixture->path, 1);
}

static void add_forged(struct path_parts *fixture)
{
    memcpy(batch_next_buffer(fixture->batch), forged.bytes, forged.length);
    batch_commit(fixture->batch, forged.length);
}

static void run(struct path_parts *fixture)
{
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 1});
}

static void assert_dropped(const struct path_parts *fixture, size_t packet)
{
    assert_int_equal(fixture->batch->packets[packet].fate, FATE_DROP);
    assert_int_equal(fixture->batch->packets[packet].reason, REASON_RULE);
}

/* The later fragment holds no port: its rule is that of the first one, which comes just before. */
static void test_later_fragment_follows(void **state)
{
    struct path_parts *fixture = *state;

    real_rule_add(fixture->ruleset, "web", "dport", "80", "verdict", "drop");
    start(fixture);
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_UDP);
    forge_udp(&forged, 16);
    forge_seal(&forged);
    be16_store(forged.bytes + IP4_FRAGMENT, IP4_MF);
    forge_seal_ip(&forged);
    add_forged(fixture);
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_UDP);
    forge_fragment(&forged, 24, false);
    forge_bytes(&forged, "12345678", 8);
    forge_seal_ip(&forged);
    add_forged(fixture);
    run(fixture);
    assert_true((fixture->batch->packets[1].flags & PACKET_LATER_FRAGMENT) != 0);
    assert_dropped(fixture, 0);
    assert_dropped(fixture, 1);
}

/* A TCP packet from SRC, port SPORT, to DST, port DPORT. */
static void add_tcp(struct path_parts *fixture, const char *src, uint16_t sport, const char *dst,
                    uint16_t dport, uint8_t flags)
{
    struct ip_addr from, to;

    assert_int_equal(ip_addr_parse(src, &from), 0);
    assert_int_equal(ip_addr_parse(dst, &to), 0);
    forge_ip(&forged, FAMILY_IPV4, IPPROTO_TCP);
    memcpy(forged.bytes + IP4_SRC, from.bytes, sizeof(uint32_t));
    memcpy(forged.bytes + IP4_DST, to.bytes, sizeof(uint32_t));
    forge_tcp(&forged, flags, NULL, 0, 0);
    be16_store(forged.bytes + forged.l4 + TCP_SPORT, sport);
    be16_store(forged.bytes + forged.l4 + TCP_DPORT, dport);
    forge_seal(&forged);
    add_forged(fixture);
}

/* The answer goes back to this host once its destination is what it was: for rules it comes in. */
static void test_answer_is_sent_back(void **state)
{
    struct path_parts *fixture = *state;

    real_rule_add(fixture->ruleset, "in", "direction", "in", "verdict", "drop");
    real_rule_add(fixture->ruleset, "there", "dport", "80", "snat", "192.0.2.7");
    start(fixture);
    add_tcp(fixture, "192.0.2.1", 1234, "198.51.100.2", 80, TCP_FLAG_SYN);
    add_tcp(fixture, "198.51.100.2", 80, "192.0.2.7", 1234, TCP_FLAG_SYN | TCP_FLAG_ACK);
    run(fixture);
    assert_int_equal(fixture->batch->packets[0].fate, FATE_OUT);
    assert_int_equal(fixture->batch->packets[1].direction, DIRECTION_IN);
    assert_dropped(fixture, 1);
}

/* The second rule changes what the third reads, so that a flow has two entries; more packets of
 * other flows than a set has entries come in between. */
static void test_many_flows_in_one_look(void **state)
{
    struct path_parts *fixture = *state;

    real_rule_add(fixture->ruleset, "mark", "ttl", "64", "set-ttl", "63");
    real_rule_add(fixture->ruleset, "marked", "ttl", "63", "verdict", "drop");
    start(fixture);
    for (size_t turn = 0; turn < 2; turn++) {
        for (uint16_t i = 0; i < BATCH_PACKETS / 2; i++)
            add_tcp(fixture, "192.0.2.1", (uint16_t)(1000 + i), "198.51.100.2", 80, TCP_FLAG_ACK);
    }
    run(fixture);
    for (size_t i = 0; i < fixture->batch->count; i++)
        assert_dropped(fixture, i);
    assert_int_equal(path_rule_counters(fixture->path, 0)->packets, BATCH_PACKETS);
    assert_int_equal(path_rule_counters(fixture->path, 1)->packets, BATCH_PACKETS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_later_fragment_follows, path_parts_set_up,
                                        path_parts_tear_down),
        cmocka_unit_test_setup_teardown(test_answer_is_sent_back, path_parts_set_up,
                                        path_parts_tear_down),
        cmocka_unit_test_setup_teardown(test_many_flows_in_one_look, path_parts_set_up,
                                        path_parts_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
