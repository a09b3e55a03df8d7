/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merging on write: what is written, cut up again, is what would have been written without. */
#include "merging.h"

#include "../random.h"
#include "../unit.h"
#include "ipmodd/base/macro.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum {
    BURST = BATCH_PACKETS,
    BURSTS = 3000,
};

/* Seldom, so that there are runs at all: another flow, or something of the next packet's own. */
static void vary(struct stream *flow, struct random *random)
{
    switch (random_below(random, 60)) {
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
    case 6:
        flow->proto = flow->proto == IPPROTO_TCP ? IPPROTO_UDP : IPPROTO_TCP;
        break;
    case 7:
        flow->flags ^= (uint8_t)(1u << random_below(random, 8));
        break;
    case 8:
        flow->sequence += (uint32_t)random_below(random, 3) - 1;
        break;
    case 9:
        flow->stamp = (uint8_t)random_below(random, 3);
        break;
    case 10:
        flow->window++;
        break;
    case 11:
        flow->flags = 0x10;
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
    struct stream flow = {
        .family = random_below(&random, 2) == 0 ? FAMILY_IPV4 : FAMILY_IPV6,
        .proto = random_below(&random, 2) == 0 ? IPPROTO_TCP : IPPROTO_UDP,
        .payload = 1 + random_below(&random, 200),
        .id = (uint16_t)random_u64(&random),
        .df = random_below(&random, 2) == 0,
        .partial = random_below(&random, 2) == 0,
        .sequence = (uint32_t)random_u64(&random),
        .flags = random_below(&random, 2) == 0 ? 0x10 : 0x90,
    };

    batch_reset(fixture->batch);
    while (!batch_is_full(fixture->batch)) {
        struct virtio_net vnet;

        vary(&flow, &random);
        forge_next(&flow, &vnet);
        damage(&random);
        merging_put(fixture, &vnet);
        flow_advance(&flow);
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
static void fill_equal(struct fixture *fixture, struct stream flow, unsigned count, uint16_t step)
{
    batch_reset(fixture->batch);
    for (unsigned i = 0; i < count; i++) {
        struct virtio_net vnet;

        forge_next(&flow, &vnet);
        merging_put(fixture, &vnet);
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

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct stream flow = {.family = FAMILY_IPV4,
                                    .proto = IPPROTO_UDP,
                                    .payload = 64,
                                    .id = 0xfffc,
                                    .df = cases[i].df,
                                    .partial = i % 2 == 0};

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
        const struct stream flow = {.family = i == 6 ? FAMILY_IPV6 : FAMILY_IPV4,
                                    .proto = IPPROTO_UDP,
                                    .payload = 64,
                                    .id = 7};
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

/* A first fragment, or a datagram with IP options or an extension header. */
static void forge_unplain(enum ip_family family, bool fragment, uint16_t id)
{
    static const uint8_t nothing[6] = {1, 4}; /* padding of four bytes */

    forge_ip(&forged, family, IPPROTO_UDP);
    if (family == FAMILY_IPV4) {
        forged.bytes[IP4_ID_AT] = (uint8_t)(id >> 8);
        forged.bytes[IP4_ID_AT + 1] = (uint8_t)id;
    }
    if (fragment)
        forge_fragment(&forged, 0, true);
    else if (family == FAMILY_IPV4)
        forge_ip4_options(&forged, (const uint8_t[4]){1, 1, 1, 0}, 4);
    else
        forge_extension(&forged, IPPROTO_DSTOPTS, nothing, sizeof(nothing));
    forge_udp(&forged, 64);
    forge_seal(&forged);
}

static void fill_unplain(struct fixture *fixture, enum ip_family family, bool fragment)
{
    batch_reset(fixture->batch);
    for (uint16_t i = 0; i < 5; i++) {
        forge_unplain(family, fragment, i);
        merging_put(fixture, &(struct virtio_net){.flags = 0});
    }
}

/* However alike they are. */
static void test_fragments_and_options_are_never_merged(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < 4; i++) {
        enum ip_family family = i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6;

        fill_unplain(fixture, family, i < 2);
        write_out(fixture, MERGE_OFF, &single);
        fill_unplain(fixture, family, i < 2);
        assert_int_equal(write_out(fixture, MERGE_RELAXED, &merged), 5);
        assert_same_wire(true);
    }
}

/* A shorter datagram is the last of its run; a longer one begins another. */
static void test_lengths(void **state)
{
    static const size_t payloads[] = {100, 100, 40, 40, 41, 0, 0, 9};
    static const size_t messages[] = {1, 1, 1, 2, 3, 4, 5, 6};
    struct fixture *fixture = *state;

    for (size_t count = 1; count <= 8; count++) {
        struct stream flow = {.family = FAMILY_IPV6, .proto = IPPROTO_UDP, .partial = true};

        batch_reset(fixture->batch);
        for (size_t i = 0; i < count; i++) {
            struct virtio_net vnet;

            flow.payload = payloads[i];
            forge_next(&flow, &vnet);
            merging_put(fixture, &vnet);
        }
        assert_int_equal(write_out(fixture, MERGE_EXACT, &merged), messages[count - 1]);
        assert_int_equal(merged.count, count);
    }
}

/* 65,535 bytes and no more: 1,400 bytes each fill that with 46 datagrams. */
static void test_no_super_packet_is_too_long(void **state)
{
    struct fixture *fixture = *state;
    const struct stream flow = {
        .family = FAMILY_IPV6, .proto = IPPROTO_UDP, .payload = 1400, .partial = true};

    fill_equal(fixture, flow, 46, 0);
    assert_int_equal(write_out(fixture, MERGE_EXACT, &merged), 1);
    fill_equal(fixture, flow, 46, 0);
    assert_int_equal(write_out(fixture, MERGE_OFF, &single), 46);
    assert_same_wire(true);
}

static void test_refused_run_goes_one_by_one(void **state)
{
    struct fixture *fixture = *state;
    const struct stream flow = {
        .family = FAMILY_IPV4, .proto = IPPROTO_UDP, .payload = 64, .id = 7, .partial = true};

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
    const struct stream flow = {
        .family = FAMILY_IPV6, .proto = IPPROTO_UDP, .payload = 64, .id = 7, .partial = true};

    fill_equal(fixture, flow, 10, 1);
    path_set_merge(fixture->path, MERGE_EXACT, fixture->classes);
    path_run(fixture->path, fixture->batch, &(struct moment){.now_ns = 1});
    refusal = EIO;
    assert_int_equal(batch_write(fixture->path, fixture->batch, fixture->tun), -EIO);
    refusal = 0;
    assert_int_equal(path_counters(fixture->path)->drops[REASON_WRITE_FAILED], 10);
    assert_int_equal(path_counters(fixture->path)->out, 0);
    assert_int_equal(path_counters(fixture->path)->out_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MERGE_TEST(test_nobody_on_the_wire_can_tell),
        MERGE_TEST(test_relaxed_changes_ids_of_atomic_datagrams_alone),
        MERGE_TEST(test_ids),
        MERGE_TEST(test_what_is_never_merged),
        MERGE_TEST(test_fragments_and_options_are_never_merged),
        MERGE_TEST(test_lengths),
        MERGE_TEST(test_no_super_packet_is_too_long),
        MERGE_TEST(test_refused_run_goes_one_by_one),
        MERGE_TEST(test_lost_run_counts_as_its_packets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
