/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segmentation by the letter, for comparing. */
#include "cut.h"

#include "../unit.h"
#include "forge.h"

#include <netinet/in.h>
#include <string.h>

enum {
    HEADER = 10,
    FIN_AND_PSH = 0x09,
    CWR = 0x80,
};

/* A super-packet and what its virtio-net header says; numbers in host order. */
struct super {
    const uint8_t *bytes;
    size_t length;
    size_t headers, l4;
    size_t size; /* payload of a segment */
    enum ip_family family;
    uint8_t proto;
};

static size_t get16(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

static size_t get16_le(const uint8_t *at)
{
    return (size_t)at[1] << 8 | at[0];
}

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void add32(uint8_t *at, size_t more)
{
    size_t value = (get16(at) << 16 | get16(at + 2)) + more;

    put16(at, value >> 16);
    put16(at + 2, value);
}

static uint8_t *add_packet(struct wire *wire, const uint8_t *bytes, size_t length)
{
    uint8_t *packet = wire->bytes[wire->count];

    assert_in_range(wire->count, 0, WIRE_PACKETS - 1);
    assert_in_range(length, 0, WIRE_BYTES);
    memcpy(packet, bytes, length);
    wire->lengths[wire->count++] = length;
    return packet;
}

/* The checksum over everything from START on, its field included, as a device computes it. */
static void complete(uint8_t *packet, size_t length, size_t start, size_t place)
{
    uint32_t sum = 0;

    for (size_t i = start; i < length; i++)
        sum += (i - start) % 2 == 0 ? (uint32_t)packet[i] << 8 : packet[i];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    sum = ~sum & 0xffff;
    put16(packet + start + place, sum == 0 && place == 6 ? 0xffff : sum);
}

/* What the virtio-net header at V says of the packet behind it must be so. */
static struct super read_super(const uint8_t *v, const uint8_t *bytes, size_t length)
{
    struct super super = {.bytes = bytes, .length = length, .size = get16_le(v + 4)};
    unsigned type = v[1];

    super.family = bytes[0] >> 4 == 4 ? FAMILY_IPV4 : FAMILY_IPV6;
    super.l4 = super.family == FAMILY_IPV4 ? 20 : 40;
    super.proto = bytes[super.family == FAMILY_IPV4 ? 9 : 6];
    super.headers = super.l4 + 8;
    if (super.proto == IPPROTO_TCP)
        super.headers = super.l4 + 4u * (bytes[super.l4 + 12] >> 4);
    if (super.proto == IPPROTO_UDP)
        assert_int_equal(type, 5);
    else
        assert_int_equal(type,
                         (super.family == FAMILY_IPV4 ? 1 : 4) | (bytes[super.l4 + 13] & CWR));
    assert_int_equal(v[0], 1);
    assert_int_equal(get16_le(v + 2), super.headers);
    assert_int_equal(get16_le(v + 6), super.l4);
    assert_int_equal(get16_le(v + 8), l4_checksum_place(super.proto));
    return super;
}

static void check_super(const struct super *super)
{
    static struct forged whole;

    assert_in_range(super->length, super->headers + super->size + 1, 65535);
    assert_in_range(super->length - super->headers, 1, 64 * super->size);
    memset(&whole, 0, sizeof(whole));
    forge_bytes(&whole, super->bytes, super->length);
    whole.family = super->family;
    whole.proto = super->proto;
    whole.l4 = super->l4;
    forge_seal_partial(&whole, 1);
    if (super->proto == IPPROTO_UDP)
        put16(whole.bytes + super->l4 + 4, super->length - super->l4);
    assert_memory_equal(whole.bytes, super->bytes, super->length);
}

static void finish_segment(const struct super *super, uint8_t *packet, size_t length, size_t number,
                           bool last)
{
    uint8_t *l4 = packet + super->l4;

    if (super->family == FAMILY_IPV4) {
        put16(packet + 2, length);
        put16(packet + 4, get16(packet + 4) + number);
        put16(packet + 10, naive_ip4_checksum(packet));
    } else {
        put16(packet + 4, length - 40);
    }
    if (super->proto == IPPROTO_UDP) {
        put16(l4 + 4, length - super->l4);
    } else {
        add32(l4 + 4, number * super->size);
        l4[13] &= (uint8_t) ~((last ? 0u : FIN_AND_PSH) | (number == 0 ? 0u : CWR));
    }
    put16(l4 + l4_checksum_place(super->proto),
          naive_l4_checksum(packet, length, super->family, super->proto, super->l4));
}

static void cut_super(const struct super *super, struct wire *wire)
{
    static uint8_t segment[WIRE_BYTES];
    size_t number = 0;

    for (size_t at = super->headers; at < super->length; at += super->size, number++) {
        size_t left = super->length - at;
        size_t payload = left < super->size ? left : super->size;

        assert_in_range(super->headers + payload, 1, sizeof(segment));
        memcpy(segment, super->bytes, super->headers);
        memcpy(segment + super->headers, super->bytes + at, payload);
        finish_segment(super, segment, super->headers + payload, number, payload == left);
        add_packet(wire, segment, super->headers + payload);
    }
}

void cut_up(const uint8_t *message, size_t length, struct wire *wire)
{
    const uint8_t *bytes = message + HEADER;
    struct super super;
    uint8_t *packet;

    assert_in_range(length, HEADER + 1, HEADER + 65535);
    length -= HEADER;
    if (message[1] == 0) {
        packet = add_packet(wire, bytes, length);
        if ((message[0] & 1) != 0)
            complete(packet, length, get16_le(message + 6), get16_le(message + 8));
        return;
    }
    super = read_super(message, bytes, length);
    check_super(&super);
    cut_super(&super, wire);
}
