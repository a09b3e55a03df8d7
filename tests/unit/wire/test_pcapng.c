/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pcapng blocks, byte for byte as the draft draws them, and what they do without room. */
#include "../unit.h"
#include "ipmodd/wire/pcapng.h"

#include <string.h>

static uint8_t out[4096];

static void assert_block(size_t length, const uint8_t *wanted, size_t count)
{
    assert_int_equal(length, count);
    assert_memory_equal(out, wanted, count);
}

static void test_section(void **state)
{
    static const uint8_t wanted[] = {
        0x0a, 0x0d, 0x0d, 0x0a, 48,   0,    0,    0,    /* type, length */
        0x4d, 0x3c, 0x2b, 0x1a, 1,    0,    0,    0,    /* byte order, version 1.0 */
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* the section's length: unknown */
        1,    0,    2,    0,    'h',  'i',  0,    0,    /* opt_comment */
        4,    0,    3,    0,    'a',  'p',  'p',  0,    /* shb_userappl */
        0,    0,    0,    0,    48,   0,    0,    0,
    };
    const struct pcapng_section section = {.application = "app", .comment = "hi"};

    (void)state;
    assert_block(pcapng_put_section(out, sizeof(out), &section), wanted, sizeof(wanted));
}

static void test_interface(void **state)
{
    static const uint8_t wanted[] = {
        1,   0, 0, 0, 40,  0,   0,   0,   /* type, length */
        101, 0, 0, 0, 0,   1,   0,   0,   /* LINKTYPE_RAW, snap length 256 */
        2,   0, 4, 0, 't', 'u', 'n', '0', /* if_name */
        9,   0, 1, 0, 9,   0,   0,   0,   /* if_tsresol: nanoseconds */
        0,   0, 0, 0, 40,  0,   0,   0,
    };
    const struct pcapng_interface interface = {
        .link_type = PCAPNG_RAW, .snap_length = 256, .name = "tun0"};

    (void)state;
    assert_block(pcapng_put_interface(out, sizeof(out), &interface), wanted, sizeof(wanted));
}

static void test_packet(void **state)
{
    static const uint8_t wanted[] = {
        6,    0,    0,    0,    80,   0,    0,    0,    /* type, length */
        2,    0,    0,    0,    0x44, 0x33, 0x22, 0x11, /* interface, upper half of the time */
        0x88, 0x77, 0x66, 0x55, 3,    0,    0,    0,    /* lower half, captured */
        9,    0,    0,    0,    'a',  'b',  'c',  0,    /* length, data */
        1,    0,    1,    0,    'x',  0,    0,    0,    /* opt_comment */
        2,    0,    4,    0,    2,    0,    0,    0,    /* epb_flags: outbound */
        4,    0,    8,    0,    7,    0,    0,    0,    0, 0, 0, 0, /* epb_dropcount */
        5,    0,    8,    0,    0x08, 0x07, 0x06, 0x05, 4, 3, 2, 1, /* epb_packetid */
        0,    0,    0,    0,    80,   0,    0,    0,
    };
    const struct pcapng_packet packet = {
        .interface = 2,
        .time_ns = UINT64_C(0x1122334455667788),
        .data = (const uint8_t *)"abc",
        .captured = 3,
        .length = 9,
        .direction = PCAPNG_OUTBOUND,
        .dropped = 7,
        .has_id = true,
        .id = UINT64_C(0x0102030405060708),
        .comment = "x",
    };

    (void)state;
    assert_block(pcapng_put_packet(out, sizeof(out), &packet), wanted, sizeof(wanted));
}

/* Without options there is but the end of options. */
static void test_plain_packet(void **state)
{
    const struct pcapng_packet packet = {.data = (const uint8_t *)"abcd", .captured = 4};

    (void)state;
    assert_int_equal(pcapng_put_packet(out, sizeof(out), &packet), 28 + 4 + 4 + 4);
}

static void test_no_room(void **state)
{
    const struct pcapng_packet packet = {
        .data = (const uint8_t *)"abcde", .captured = 5, .length = 5, .comment = "text"};
    size_t size = pcapng_put_packet(out, sizeof(out), &packet);

    (void)state;
    assert_true(size > 0);
    for (size_t room = 0; room < size; room++) {
        memset(out, 0x5a, sizeof(out));
        assert_int_equal(pcapng_put_packet(out, room, &packet), 0);
        for (size_t i = room; i < sizeof(out); i++)
            assert_int_equal(out[i], 0x5a); /* nothing behind it was touched */
    }
    assert_int_equal(pcapng_put_packet(out, size, &packet), size);
}

static void test_overhead_is_the_most(void **state)
{
    static char text[PCAPNG_TEXT_MAX + 100];
    struct pcapng_packet packet = {
        .direction = PCAPNG_INBOUND,
        .dropped = 1,
        .has_id = true,
        .comment = text,
    };
    static uint8_t data[5];

    (void)state;
    memset(text, 'c', sizeof(text) - 1);
    packet.data = data;
    packet.captured = packet.length = sizeof(data);
    assert_int_equal(pcapng_put_packet(out, sizeof(out), &packet),
                     sizeof(data) + PCAPNG_PACKET_OVERHEAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section), cmocka_unit_test(test_interface),
        cmocka_unit_test(test_packet),  cmocka_unit_test(test_plain_packet),
        cmocka_unit_test(test_no_room), cmocka_unit_test(test_overhead_is_the_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
