/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merging on write, over a pair of datagram sockets in place of a tun device: what is written, cut
 * up again, is what would have been written without.
 */
#include "../random.h"
#include "../unit.h"
#include "forge.h"
#include "ipmodd/datapath/path.h"
#include "src/datapath/fixup.h"
#include "src/datapath/offload.h"
#include "src/datapath/parse.h"
#include "src/datapath/split.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    BURST = BATCH_PACKETS,
    BURSTS = 3000,
    RECEIVED_MAX = 2048,
    IP4_ID_AT = 4,
};

static struct forged forged;

struct fixture {
    struct host_view *view;
    struct ruleset *ruleset;
    struct path *path;
    struct batch *batch;
    struct batch *wire; /* what was written, to be cut up */
    int tun;
    int kernel;
};

/* Packets as they would be on the wire. */
struct wire {
    uint8_t bytes[BURST][RECEIVED_MAX];
    size_t lengths[BURST];
    size_t count;
};

static struct wire merged, single;

/* What writev() fails with; 0: it does not. */
static int refusal;

ssize_t __real_writev(int fd, const struct iovec *parts, int count);
ssize_t __wrap_writev(int fd, const struct iovec *parts, int count);

ssize_t __wrap_writev(int fd, const struct iovec *parts, int count)
{
    if (refusal == 0)
        return __real_writev(fd, parts, count);
    errno = refusal;
    return -1;
}

static int set_up(void **state)
{
    static struct fixture fixture;
    struct ip_addr local;
    int pair[2];

    ip_addr_parse("192.0.2.1", &local);
    fixture.view = host_view_new(&local, 1, NULL, 0, NULL, 0);
    fixture.ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_PASS);
    fixture.path = path_new(fixture.ruleset, fixture.view);
    fixture.batch = batch_new();
    fixture.wire = batch_new();
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    fixture.tun = pair[0];
    fixture.kernel = pair[1];
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    close(fixture->tun);
    close(fixture->kernel);
    path_free(fixture->path);
    ruleset_free(fixture->ruleset);
    host_view_free(fixture->view);
    batch_free(fixture->batch);
    batch_free(fixture->wire);
    return 0;
}

/* Puts what is forged into the batch. */
static void put(struct fixture *fixture, const struct virtio_net *vnet)
{
    memcpy(batch_next_buffer(fixture->batch), forged.bytes, forged.length);
    batch_commit_offloaded(fixture->batch, forged.length, vnet);
}

static void keep_packet(struct wire *wire, struct packet *packet)
{
    assert_in_range(wire->count, 0, BURST - 1);
    assert_in_range(packet->length, 1, RECEIVED_MAX);
    fixup_complete(packet);
    memcpy(wire->bytes[wire->count], packet->data, packet->length);
    wire->lengths[wire->count++] = packet->length;
}

/* One message that was written, as the packets that it stands for. */
static void take_message(struct fixture *fixture, struct wire *wire, size_t length)
{
    struct packet *packet = &fixture->wire->packets[0];

    if (parse_packet(packet) != REASON_NONE) {
        packet->length = length; /* passed as it is */
        keep_packet(wire, packet);
        return;
    }
    assert_int_equal(offload_accept(packet), REASON_NONE);
    if (packet->segments == 1) {
        keep_packet(wire, packet);
        return;
    }
    assert_int_equal(packet->vnet.header_length, packet->payload_offset);
    assert_false(fixup_is_damaged(packet)); /* the IP header at least */
    split_packet(packet, fixture->wire);
    for (size_t i = 0; i < packet->segments; i++)
        keep_packet(wire, &fixture->wire->segments[packet->first_segment + i]);
}

/* Runs the batch and writes it; the number of messages, of which RET_WIRE has the packets. */
static size_t write_out(struct fixture *fixture, enum merge_mode mode, struct wire *ret_wire)
{
    size_t messages = 0;

    ret_wire->count = 0;
    path_set_merge(fixture->path, mode);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 1});
    assert_int_equal(batch_write(fixture->path, fixture->batch, fixture->tun), 0);
    for (;; messages++) {
        uint8_t *buffer;
        struct virtio_net vnet;
        ssize_t length;

        batch_reset(fixture->wire);
        buffer = batch_next_buffer(fixture->wire);
        length = read(fixture->kernel, buffer - VNET_HEADER, VNET_HEADER + PACKET_CAPACITY);
        if (length < 0)
            return messages;
        vnet = virtio_net_load(buffer - VNET_HEADER);
        batch_commit_offloaded(fixture->wire, (size_t)length - VNET_HEADER, &vnet);
        take_message(fixture, ret_wire, (size_t)length - VNET_HEADER);
    }
}

static void assert_same_wire(bool with_ids)
{
    assert_int_equal(merged.count, single.count);
    for (size_t i = 0; i < merged.count; i++) {
        uint8_t *a = merged.bytes[i], *b = single.bytes[i];

        assert_int_equal(merged.lengths[i], single.lengths[i]);
        if (!with_ids && a[0] >> 4 == 4 && (b[6] & 0x40) != 0) {
            memcpy(a + IP4_ID_AT, b + IP4_ID_AT, 2);
            memcpy(a + 10, b + 10, 2);
        }
        assert_memory_equal(a, b, merged.lengths[i]);
    }
}

/* What the packets of a burst have in common, and how the next one differs. */
struct flow {
    enum ip_family family;
    size_t payload;
    uint16_t id;
    bool df;
    bool partial;
};

static void forge_datagram(const struct flow *flow, struct virtio_net *ret_vnet)
{
    *ret_vnet = (struct virtio_net){.flags = 0};
    forge_ip(&forged, flow->family, IPPROTO_UDP);
    if (flow->family == FAMILY_IPV4) {
        forged.bytes[IP4_ID_AT] = (uint8_t)(flow->id >> 8);
        forged.bytes[IP4_ID_AT + 1] = (uint8_t)flow->id;
        forged.bytes[6] = flow->df ? 0x40 : 0;
    }
    forge_udp(&forged, flow->payload);
    if (flow->partial)
        *ret_vnet = forge_seal_partial(&forged, 0);
    else
        forge_seal(&forged);
}

/* Seldom, so that there are runs at all: another flow, or something of the next packet's own. */
static void vary(struct flow *flow, struct random *random)
{
    flow->id++;
    switch (random_below(random, 40)) {
    case 0:
        flow->family = flow->family == FAMILY_IPV4 ? FAMILY_IPV6 : FAMILY_IPV4;
        break;
    case 1:
        flow->payload = random_below(random, 300);
        break;
    case 2:
        flow->payload -= flow->payload > 0;
        break;
    case 3:
        flow->id = (uint16_t)random_u64(random);
        break;
    case 4:
        flow->df = !flow->df;
        break;
    case 5:
        flow->partial = !flow->partial;
        break;
    default:
        break;
    }
}

/* Any byte of the packet, mostly of its headers; most such packets are refused by nobody. */
static void damage(struct random *random)
{
    if (random_below(random, 30) == 0)
        forged.bytes[random_below(random, forged.length < 60 ? forged.length : 60)] ^=
            (uint8_t)(1u << random_below(random, 8));
}

static void fill(struct fixture *fixture, uint64_t seed)
{
    struct random random = {seed};
    struct flow flow = {
        .family = random_below(&random, 2) == 0 ? FAMILY_IPV4 : FAMILY_IPV6,
        .payload = 1 + random_below(&random, 200),
        .id = (uint16_t)random_u64(&random),
        .df = random_below(&random, 2) == 0,
        .partial = random_below(&random, 2) == 0,
    };

    batch_reset(fixture->batch);
    while (!batch_is_full(fixture->batch)) {
        struct virtio_net vnet;

        vary(&flow, &random);
        forge_datagram(&flow, &vnet);
        damage(&random);
        put(fixture, &vnet);
    }
}

static void test_nobody_on_the_wire_can_tell(void **state)
{
    struct fixture *fixture = *state;
    size_t messages = 0;

    for (uint64_t seed = 1; seed <= BURSTS; seed++) {
        fill(fixture, seed);
        assert_int_equal(write_out(fixture, MERGE_OFF, &single), BURST);
        fill(fixture, seed);
        messages += write_out(fixture, MERGE_EXACT, &merged);
        assert_same_wire(true);
    }
    assert_true(messages < (size_t)BURSTS * BURST / 2);
    assert_true(path_counters(fixture->path)->merged > (size_t)BURSTS * BURST / 2);
}

static void test_relaxed_changes_ids_of_atomic_datagrams_alone(void **state)
{
    struct fixture *fixture = *state;

    for (uint64_t seed = 1; seed <= BURSTS / 10; seed++) {
        fill(fixture, seed);
        write_out(fixture, MERGE_OFF, &single);
        fill(fixture, seed);
        write_out(fixture, MERGE_RELAXED, &merged);
        assert_same_wire(false);
    }
}

/* COUNT datagrams, equal but for an ID that counts up by STEP. */
static void fill_equal(struct fixture *fixture, struct flow flow, unsigned count, uint16_t step)
{
    batch_reset(fixture->batch);
    for (unsigned i = 0; i < count; i++) {
        struct virtio_net vnet;

        forge_datagram(&flow, &vnet);
        put(fixture, &vnet);
        flow.id = (uint16_t)(flow.id + step);
    }
}

static void test_ids(void **state)
{
    static const struct {
        enum merge_mode mode;
        bool df;
        uint16_t step;
        size_t messages;
    } cases[] = {
        {MERGE_EXACT, false, 1, 1},    {MERGE_EXACT, true, 1, 1},   {MERGE_EXACT, true, 0, 10},
        {MERGE_EXACT, false, 2, 10},   {MERGE_RELAXED, true, 0, 1}, {MERGE_RELAXED, true, 7, 1},
        {MERGE_RELAXED, false, 0, 10}, {MERGE_OFF, false, 1, 10},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct flow flow = {FAMILY_IPV4, 64, 0xfffc, cases[i].df, i % 2 == 0};

        fill_equal(fixture, flow, 10, cases[i].step);
        assert_int_equal(write_out(fixture, cases[i].mode, &merged), cases[i].messages);
        assert_int_equal(merged.count, 10);
    }
}

/* Which single difference of the third of five packets ends a run. */
static void test_what_is_never_merged(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < 8; i++) {
        const struct flow flow = {i == 6 ? FAMILY_IPV6 : FAMILY_IPV4, 64, 7, false, false};
        uint8_t *bytes, *udp;

        fill_equal(fixture, flow, 5, 1);
        bytes = fixture->batch->packets[2].data;
        udp = bytes + (flow.family == FAMILY_IPV4 ? 20 : 40);
        memcpy(forged.bytes, bytes, forged.length);
        switch (i) {
        case 0:
            forged.bytes[1] = 1; /* ECN */
            break;
        case 1:
            forged.bytes[8] = 63; /* TTL */
            break;
        case 2:
            forged.bytes[19]++; /* destination */
            break;
        case 3:
            forged.bytes[21]++; /* source port */
            break;
        case 4:
            forged.bytes[6] = 0x40; /* DF */
            break;
        case 6:
            forged.bytes[3]++; /* flow label */
            break;
        default:
            break;
        }
        forge_seal(&forged);
        memcpy(bytes, forged.bytes, forged.length);
        if (i == 5)
            memset(udp + 6, 0, 2); /* no checksum */
        if (i == 7)
            udp[7] ^= 1; /* a wrong one */
        assert_int_equal(write_out(fixture, MERGE_EXACT, &merged), 3);
        assert_int_equal(merged.count, 5);
    }
}

/* A shorter datagram is the last of its run; a longer one begins another. */
static void test_lengths(void **state)
{
    static const size_t payloads[] = {100, 100, 40, 40, 41, 0, 0, 9};
    static const size_t messages[] = {1, 1, 1, 2, 3, 4, 5, 6};
    struct fixture *fixture = *state;

    for (size_t count = 1; count <= 8; count++) {
        struct flow flow = {FAMILY_IPV6, 0, 0, false, true};

        batch_reset(fixture->batch);
        for (size_t i = 0; i < count; i++) {
            struct virtio_net vnet;

            flow.payload = payloads[i];
            forge_datagram(&flow, &vnet);
            put(fixture, &vnet);
        }
        assert_int_equal(write_out(fixture, MERGE_EXACT, &merged), messages[count - 1]);
        assert_int_equal(merged.count, count);
    }
}

/* 65,535 bytes and no more: 1,400 bytes each fill that with 46 datagrams. */
static void test_no_super_packet_is_too_long(void **state)
{
    struct fixture *fixture = *state;
    const struct flow flow = {FAMILY_IPV6, 1400, 0, false, true};

    fill_equal(fixture, flow, 46, 0);
    assert_int_equal(write_out(fixture, MERGE_EXACT, &merged), 1);
    fill_equal(fixture, flow, 46, 0);
    assert_int_equal(write_out(fixture, MERGE_OFF, &single), 46);
    assert_same_wire(true);
}

static void test_refused_run_goes_one_by_one(void **state)
{
    struct fixture *fixture = *state;
    const struct flow flow = {FAMILY_IPV4, 64, 7, false, true};

    fill_equal(fixture, flow, 10, 1);
    assert_int_equal(write_out(fixture, MERGE_OFF, &single), 10);
    fill_equal(fixture, flow, 10, 1);
    refusal = EINVAL;
    assert_int_equal(write_out(fixture, MERGE_EXACT, &merged), 10);
    refusal = 0;
    assert_same_wire(true);
    assert_int_equal(path_counters(fixture->path)->merged, 0);
    assert_int_equal(path_counters(fixture->path)->gso_refused, 1);
    assert_int_equal(path_offload_refused(fixture->path, OFFLOAD_UDP), 1);
    assert_int_equal(path_counters(fixture->path)->out, 20);
}

static void test_lost_run_counts_as_its_packets(void **state)
{
    struct fixture *fixture = *state;
    const struct flow flow = {FAMILY_IPV6, 64, 7, false, true};

    fill_equal(fixture, flow, 10, 1);
    path_set_merge(fixture->path, MERGE_EXACT);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 1});
    refusal = EIO;
    assert_int_equal(batch_write(fixture->path, fixture->batch, fixture->tun), -EIO);
    refusal = 0;
    assert_int_equal(path_counters(fixture->path)->drops[REASON_WRITE_FAILED], 10);
    assert_int_equal(path_counters(fixture->path)->out, 0);
    assert_int_equal(path_counters(fixture->path)->out_bytes, 0);
}

#define MERGE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MERGE_TEST(test_nobody_on_the_wire_can_tell),
        MERGE_TEST(test_relaxed_changes_ids_of_atomic_datagrams_alone),
        MERGE_TEST(test_ids),
        MERGE_TEST(test_what_is_never_merged),
        MERGE_TEST(test_lengths),
        MERGE_TEST(test_no_super_packet_is_too_long),
        MERGE_TEST(test_refused_run_goes_one_by_one),
        MERGE_TEST(test_lost_run_counts_as_its_packets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
