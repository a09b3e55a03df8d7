/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which segments of TCP are merged on write, and which end a run. */
#include "merging.h"

#include "../unit.h"
#include "ipmodd/base/macro.h"

#include <netinet/in.h>
#include <string.h>

/* COUNT segments of TCP that follow one another. */
static void fill_stream(struct fixture *fixture, struct stream flow, unsigned count)
{
    batch_reset(fixture->batch);
    for (unsigned i = 0; i < count; i++) {
        struct virtio_net vnet;

        forge_next(&flow, &vnet);
        merging_put(fixture, &vnet);
        flow_advance(&flow);
    }
}

static const struct stream stream = {
    .proto = IPPROTO_TCP,
    .payload = 100,
    .id = 7,
    .sequence = 0xffffff00, /* numbers begin anew on the way */
    .flags = 0x10,
    .stamp = 9,
};

/* What the third of five segments is changed in, and of how many super-packets they are then. */
struct difference {
    size_t place; /* in the TCP header */
    uint8_t bits;
    size_t messages;
};

static const struct difference tcp_differences[] = {
    {4, 0x80, 3},  /* sequence */
    {7, 1, 3},     /* sequence, by one */
    {11, 1, 3},    /* acknowledgement */
    {12, 1, 3},    /* a reserved bit */
    {13, 0x01, 2}, /* FIN: the last of its run */
    {13, 0x02, 3}, /* SYN */
    {13, 0x04, 3}, /* RST */
    {13, 0x08, 2}, /* PSH: the last of its run */
    {13, 0x10, 3}, /* no ACK */
    {13, 0x20, 3}, /* URG */
    {13, 0x40, 3}, /* ECE */
    {13, 0x80, 2}, /* CWR: the first of its run */
    {14, 1, 3},    /* window */
    {18, 1, 3},    /* urgent pointer */
    {20, 3, 3},    /* an option's kind */
    {27, 1, 3},    /* time stamp */
};

static void apply_difference(struct fixture *fixture, const struct difference *difference)
{
    struct packet *packet = &fixture->batch->packets[2];

    memcpy(forged.bytes, packet->data, packet->length);
    forged.bytes[forged.l4 + difference->place] ^= difference->bits;
    forge_seal(&forged);
    memcpy(packet->data, forged.bytes, packet->length);
}

static void test_which_segments_are_merged(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 2 * ARRAY_SIZE(tcp_differences); i++) {
        const struct difference *difference = &tcp_differences[i / 2];
        struct stream flow = stream;

        flow.family = i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6;
        fill_stream(fixture, flow, 5);
        apply_difference(fixture, difference);
        write_out(fixture, MERGE_OFF, &single);
        fill_stream(fixture, flow, 5);
        apply_difference(fixture, difference);
        assert_int_equal(write_out(fixture, MERGE_EXACT, &merged), difference->messages);
        assert_same_wire(true);
    }
}

/* FLAGS of all five segments alike. */
static void test_flags_of_all_segments(void **state)
{
    static const struct {
        uint8_t flags;
        size_t messages;
    } cases[] = {{0x10, 1}, {0x50, 1}, {0x11, 5}, {0x12, 5}, {0x14, 5},
                 {0x18, 5}, {0x00, 5}, {0x30, 5}, {0x90, 1}};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct stream flow = stream;

        flow.flags = cases[i].flags;
        fill_stream(fixture, flow, 5);
        assert_int_equal(write_out(fixture, MERGE_EXACT, &merged), cases[i].messages);
        assert_int_equal(merged.count, 5);
    }
}

static void test_classes_that_the_device_lacks(void **state)
{
    static const struct {
        enum ip_family family;
        uint8_t proto, flags;
        enum offload_class class;
    } cases[] = {
        {FAMILY_IPV4, IPPROTO_TCP, 0x10, OFFLOAD_TCP4},
        {FAMILY_IPV6, IPPROTO_TCP, 0x10, OFFLOAD_TCP6},
        {FAMILY_IPV6, IPPROTO_TCP, 0x90, OFFLOAD_TCP_ECN},
        {FAMILY_IPV4, IPPROTO_UDP, 0, OFFLOAD_UDP},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct stream flow = stream;

        flow.family = cases[i].family;
        flow.proto = cases[i].proto;
        flow.flags = cases[i].flags;
        fixture->classes = 1u << cases[i].class;
        fill_stream(fixture, flow, 5);
        assert_int_equal(write_out(fixture, MERGE_EXACT, &merged), 1);
        fixture->classes = ~fixture->classes;
        fill_stream(fixture, flow, 5);
        assert_in_range(write_out(fixture, MERGE_EXACT, &merged), 2, 5);
        assert_int_equal(merged.count, 5);
    }
}

/* 0xffff adds up as 0 does, but is not what the kernel computes. */
static void test_other_zero_of_a_checksum(void **state)
{
    struct fixture *fixture = *state;
    struct stream flow = stream;

    flow.family = FAMILY_IPV6;
    for (unsigned with_it = 0; with_it < 2; with_it++) {
        struct packet *packet = &fixture->batch->packets[2];
        uint8_t *l4;

        fill_stream(fixture, flow, 5);
        l4 = packet->data + forged.l4;
        memcpy(forged.bytes, packet->data, packet->length);
        memset(l4 + 32, 0, 2);
        memset(forged.bytes + forged.l4 + 32, 0, 2);
        forge_seal(&forged);
        memcpy(l4 + 32, forged.bytes + forged.l4 + 16, 2); /* and so the checksum is zero */
        memset(l4 + 16, with_it != 0 ? 0xff : 0, 2);
        assert_int_equal(write_out(fixture, MERGE_EXACT, &merged), with_it != 0 ? 3 : 1);
        assert_int_equal(merged.count, 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MERGE_TEST(test_which_segments_are_merged),
        MERGE_TEST(test_flags_of_all_segments),
        MERGE_TEST(test_classes_that_the_device_lacks),
        MERGE_TEST(test_other_zero_of_a_checksum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
