/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A million forged sources against a translator: what is there goes on, who is real gets through,
 * and memory stays.
 */
#include "../random.h"
#include "../resident.h"
#include "../unit.h"
#include "ipmodd/datapath/flow.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/tcp.h"
#include "path_parts.h"
#include "real_rule.h"

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define POOL   0xc6336407u /* 198.51.100.7 */
#define FAR    0xcb007101u /* 203.0.113.1 */
#define SERVER 0x0a090909u /* 10.9.9.9, behind port 80 of the pool's address */
#define INSIDE 0x0a000000u /* 10.0.0.0/8 */

/* Under a sanitizer a packet takes ten times as long, and an eighth of them shows as much. */
#ifdef __SANITIZE_ADDRESS__
enum { FLOOD = 120000 };
#else
enum { FLOOD = 1000000 };
#endif

enum {
    FLOWS = 1 << 16,
    KNOWN = 64,            /* connections that are there */
    STEP = 10000,          /* packets of the flood between two looks at them */
    PACKET_SIZE = 40,      /* headers alone */
    STEP_NS = 10000,       /* from packet to packet */
    GROWTH_MAX = 16 << 20, /* of the process, which the kernel counts loosely */
};

struct fixture {
    struct host_view *view;
    struct ruleset *ruleset;
    struct path *path;
    struct batch *batch;
    struct random random;
    uint64_t now_ns;
};

struct segment {
    uint32_t src, dst;
    uint16_t sport, dport;
    uint8_t flags;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){
        .view = host_view_new(NULL, 0, NULL, 0, NULL, 0),
        .ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP),
        .batch = batch_new(),
        .random = {.state = 5},
        .now_ns = 1,
    };
    real_rule_add(fixture.ruleset, "clients", "src", "10.0.0.0/8", "snat", "198.51.100.7");
    real_rule_add(fixture.ruleset, "server", "dst", "198.51.100.7", "dnat", "10.9.9.9:8080");
    fixture.ruleset->flows.max = FLOWS;
    fixture.path = path_new(fixture.ruleset, fixture.view);
    *state = &fixture;
    return fixture.path == NULL || fixture.batch == NULL;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    path_parts_free(fixture->path, fixture->ruleset, fixture->view, fixture->batch);
    return 0;
}

static void put(struct batch *batch, const struct segment *segment)
{
    static const uint8_t header[PACKET_SIZE] = {
        [0] = 0x45, [3] = PACKET_SIZE, [8] = 64, [9] = IPPROTO_TCP, [32] = 0x50};
    uint8_t *bytes = batch_next_buffer(batch);

    memcpy(bytes, header, sizeof(header));
    be32_store(bytes + 12, segment->src);
    be32_store(bytes + 16, segment->dst);
    be16_store(bytes + 20, segment->sport);
    be16_store(bytes + 22, segment->dport);
    bytes[33] = segment->flags;
    batch_commit(batch, PACKET_SIZE);
}

/* What has been put. */
static void run(struct fixture *fixture)
{
    fixture->now_ns += STEP_NS * fixture->batch->count;
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = fixture->now_ns});
}

/* One segment, which goes through and comes out as EXPECTED; its source port there if that is 0. */
static uint16_t pass(struct fixture *fixture, const struct segment *segment,
                     const struct segment *expected)
{
    const struct packet *packet = &fixture->batch->packets[0];

    batch_reset(fixture->batch);
    put(fixture->batch, segment);
    run(fixture);
    assert_int_equal(packet->fate, FATE_OUT);
    assert_int_equal(be32_load(packet->data + 12), expected->src);
    assert_int_equal(be32_load(packet->data + 16), expected->dst);
    if (expected->sport != 0)
        assert_int_equal(packet_sport(packet), expected->sport);
    assert_int_equal(packet_dport(packet), expected->dport);
    return packet_sport(packet);
}

/* Segments of a connection from inside, there and back; OUTSIDE: its port there. */
static uint16_t pass_out(struct fixture *fixture, unsigned number, uint8_t flags, uint16_t outside)
{
    uint32_t host = INSIDE + 1 + number;

    return pass(fixture, &(struct segment){host, FAR, 4000, 80, flags},
                &(struct segment){POOL, FAR, outside, 80, 0});
}

static void pass_back(struct fixture *fixture, unsigned number, uint8_t flags, uint16_t outside)
{
    uint32_t host = INSIDE + 1 + number;

    pass(fixture, &(struct segment){FAR, POOL, 80, outside, flags},
         &(struct segment){FAR, host, 80, 4000, 0});
}

/* The same of connections from outside to the server. */
static void pass_in(struct fixture *fixture, uint32_t client, uint8_t flags)
{
    pass(fixture, &(struct segment){client, POOL, 5000, 80, flags},
         &(struct segment){client, SERVER, 5000, 8080, 0});
}

static void pass_answer(struct fixture *fixture, uint32_t client, uint8_t flags)
{
    pass(fixture, &(struct segment){SERVER, client, 8080, 5000, flags},
         &(struct segment){POOL, client, 80, 5000, 0});
}

static void connect_to_server(struct fixture *fixture, uint32_t client)
{
    pass_in(fixture, client, TCP_FLAG_SYN);
    pass_answer(fixture, client, TCP_FLAG_SYN | TCP_FLAG_ACK);
    pass_in(fixture, client, TCP_FLAG_ACK);
}

static void flood(struct fixture *fixture, size_t count,
                  void (*put_packets)(struct fixture *fixture))
{
    for (size_t sent = 0; sent < count; sent += fixture->batch->count) {
        batch_reset(fixture->batch);
        while (fixture->batch->count + 2 <= BATCH_PACKETS)
            put_packets(fixture);
        run(fixture);
    }
    assert_true(flow_table_count(path_flows(fixture->path)) <= FLOWS);
}

static void put_syns_from_inside(struct fixture *fixture)
{
    struct segment segment = {INSIDE | (uint32_t)random_below(&fixture->random, 1 << 24), FAR,
                              (uint16_t)(1024 + random_below(&fixture->random, 64512)), 443,
                              TCP_FLAG_SYN};

    put(fixture->batch, &segment);
}

/* And what the server answers them, who never asked. */
static void put_syns_to_server(struct fixture *fixture)
{
    uint32_t client = 0x20000000 | (uint32_t)random_below(&fixture->random, 1 << 28);
    uint16_t port = (uint16_t)(1024 + random_below(&fixture->random, 64512));

    put(fixture->batch, &(struct segment){client, POOL, port, 80, TCP_FLAG_SYN});
    put(fixture->batch, &(struct segment){SERVER, client, 8080, port, TCP_FLAG_SYN | TCP_FLAG_ACK});
}

/* Ports run out: new flows are refused, connections go on. */
static void test_from_inside(void **state)
{
    struct fixture *fixture = *state;
    uint16_t outside[KNOWN];
    size_t before;

    for (unsigned i = 0; i < KNOWN; i++) {
        outside[i] = pass_out(fixture, i, TCP_FLAG_SYN, 0);
        pass_back(fixture, i, TCP_FLAG_SYN | TCP_FLAG_ACK, outside[i]);
        pass_out(fixture, i, TCP_FLAG_ACK, outside[i]);
    }
    flood(fixture, 2 * FLOWS, put_syns_from_inside);
    before = resident_bytes();
    for (size_t sent = 0; sent < FLOOD; sent += STEP) {
        unsigned number = (unsigned)(sent / STEP) % KNOWN;

        flood(fixture, STEP, put_syns_from_inside);
        pass_out(fixture, number, TCP_FLAG_ACK, outside[number]);
        pass_back(fixture, number, TCP_FLAG_ACK, outside[number]);
    }
    for (unsigned i = 0; i < KNOWN; i++)
        pass_back(fixture, i, TCP_FLAG_ACK, outside[i]);
    assert_true(path_counters(fixture->path)->drops[REASON_NAT_EXHAUSTED] > 0);
    assert_in_range(resident_bytes(), 0, before + GROWTH_MAX);
}

/* Half-open connections, all of them answered: those that are open go on, and others can begin. */
static void test_from_outside(void **state)
{
    struct fixture *fixture = *state;
    size_t before;

    for (uint32_t i = 0; i < KNOWN; i++)
        connect_to_server(fixture, FAR + i);
    flood(fixture, 4 * FLOWS, put_syns_to_server);
    before = resident_bytes();
    for (size_t sent = 0; sent < FLOOD; sent += STEP) {
        uint32_t number = (uint32_t)(sent / STEP);

        flood(fixture, 2 * STEP, put_syns_to_server);
        connect_to_server(fixture, FAR + KNOWN + number);
        pass_in(fixture, FAR + number, TCP_FLAG_ACK);
        pass_answer(fixture, FAR + number, TCP_FLAG_ACK);
    }
    for (uint32_t i = 0; i < KNOWN + FLOOD / STEP; i++)
        pass_answer(fixture, FAR + i, TCP_FLAG_ACK);
    assert_in_range(resident_bytes(), 0, before + GROWTH_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_from_inside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_from_outside, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
