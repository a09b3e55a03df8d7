/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building packets, and naive checksums over them. */
#include "forge.h"

#include "../unit.h"
#include "src/datapath/parse.h"

#include <netinet/in.h>
#include <string.h>

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static size_t get16(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

void forge_bytes(struct forged *forged, const void *bytes, size_t count)
{
    assert_true(forged->length + count <= FORGED_MAX);
    if (count > 0)
        memcpy(forged->bytes + forged->length, bytes, count);
    forged->length += count;
}

void forge_ip(struct forged *forged, enum ip_family family, uint8_t proto)
{
    static const uint8_t ip4[20] = {0x45, 0, 0,   0, 0x12, 0x34, 0,   0,  64,  0,
                                    0,    0, 192, 0, 2,    1,    198, 51, 100, 2};
    static const uint8_t ip6[40] = {0x60, 0,    0x12, 0x34, 0,    0,    0,    64,   0x20, 0x01,
                                    0x0d, 0xb8, 0,    1,    0,    0,    0,    0,    0,    0,
                                    0,    0,    0,    1,    0x20, 0x01, 0x0d, 0xb8, 0,    2,
                                    0,    0,    0,    0,    0,    0,    0,    0,    0,    2};

    memset(forged, 0, sizeof(*forged));
    forged->family = family;
    forged->proto = proto;
    forge_bytes(forged, family == FAMILY_IPV4 ? ip4 : ip6, family == FAMILY_IPV4 ? 20 : 40);
    forged->bytes[family == FAMILY_IPV4 ? 9 : 6] = proto;
    forged->l4 = forged->length;
}

void forge_ip4_options(struct forged *forged, const void *bytes, size_t count)
{
    forge_bytes(forged, bytes, count);
    forged->bytes[0] = (uint8_t)(0x40 | forged->length / 4);
    forged->l4 = forged->length;
}

/* The byte that names what comes at the end: of the IPv6 header or the last extension header. */
static uint8_t *last_next_header(struct forged *forged)
{
    size_t at = 6, next = 40;

    while (next < forged->l4) {
        uint8_t kind = forged->bytes[at];

        at = next;
        if (kind == IPPROTO_FRAGMENT)
            next += 8;
        else if (kind == IPPROTO_AH)
            next += (forged->bytes[at + 1] + 2u) * 4;
        else
            next += (forged->bytes[at + 1] + 1u) * 8;
    }
    return &forged->bytes[at];
}

void forge_extension(struct forged *forged, uint8_t kind, const void *body, size_t count)
{
    uint8_t head[2] = {forged->proto, 0};
    size_t size = count + 2;

    *last_next_header(forged) = kind;
    if (kind != IPPROTO_FRAGMENT)
        head[1] = (uint8_t)(kind == IPPROTO_AH ? size / 4 - 2 : size / 8 - 1);
    forge_bytes(forged, head, 2);
    forge_bytes(forged, body, count);
    forged->l4 = forged->length;
}

void forge_fragment(struct forged *forged, size_t offset, bool more)
{
    uint8_t body[6] = {0, 0, 0, 0, 0, 9};

    if (forged->family == FAMILY_IPV4) {
        put16(forged->bytes + 6, offset / 8 | (more ? 0x2000u : 0u));
        return;
    }
    put16(body, offset | (more ? 1u : 0u));
    forge_extension(forged, IPPROTO_FRAGMENT, body, sizeof(body));
}

static void forge_header(struct forged *forged, const uint8_t *header, size_t count, size_t payload)
{
    forged->l4 = forged->length;
    forge_bytes(forged, header, count);
    for (size_t i = 0; i < payload; i++) {
        uint8_t byte = (uint8_t)i;

        forge_bytes(forged, &byte, 1);
    }
}

void forge_tcp(struct forged *forged, uint8_t flags, const void *options, size_t option_count,
               size_t payload)
{
    uint8_t header[60] = {1234 >> 8, 1234 & 0xff, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8};

    header[12] = (uint8_t)((20 + option_count) / 4 << 4);
    header[13] = flags;
    put16(header + 14, 4096);
    if (option_count > 0)
        memcpy(header + 20, options, option_count);
    forge_header(forged, header, 20 + option_count, payload);
}

void forge_udp(struct forged *forged, size_t payload)
{
    uint8_t header[8] = {1234 >> 8, 1234 & 0xff, 0, 80};

    put16(header + 4, 8 + payload);
    forge_header(forged, header, sizeof(header), payload);
}

void forge_sctp(struct forged *forged, size_t payload)
{
    static const uint8_t header[12] = {1234 >> 8, 1234 & 0xff, 0, 80, 9, 8, 7, 6};

    forge_header(forged, header, sizeof(header), payload);
}

void forge_dccp(struct forged *forged, size_t payload)
{
    static const uint8_t header[16] = {1234 >> 8, 1234 & 0xff, 0, 80, 4, 0, 0, 0, 1};

    forge_header(forged, header, sizeof(header), payload);
}

void forge_icmp(struct forged *forged, uint8_t type, uint8_t code, size_t payload)
{
    const uint8_t header[8] = {type, code, 0, 0, 0x11, 0x22, 0x33, 0x44};

    forge_header(forged, header, sizeof(header), payload);
}

void forge_l4(struct forged *forged, size_t payload)
{
    static const uint8_t mss[4] = {2, 4, 5, 180};

    switch (forged->proto) {
    case IPPROTO_TCP:
        forge_tcp(forged, 0x02, mss, sizeof(mss), payload);
        break;
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
        forge_udp(forged, payload);
        break;
    case IPPROTO_SCTP:
        forge_sctp(forged, payload);
        break;
    case IPPROTO_DCCP:
        forge_dccp(forged, payload);
        break;
    case IPPROTO_ICMP:
        forge_icmp(forged, 8, 0, payload);
        break;
    case IPPROTO_ICMPV6:
        forge_icmp(forged, 128, 0, payload);
        break;
    default:
        forge_header(forged, NULL, 0, payload);
        break;
    }
}

void forge_seal_ip(struct forged *forged)
{
    if (forged->family == FAMILY_IPV6) {
        put16(forged->bytes + 4, forged->length - 40);
        return;
    }
    put16(forged->bytes + 2, forged->length);
    put16(forged->bytes + 10, naive_ip4_checksum(forged->bytes));
}

static void store_l4_checksum(struct forged *forged, uint32_t checksum)
{
    uint8_t *field = forged->bytes + forged->l4 + l4_checksum_place(forged->proto);

    if (forged->proto != IPPROTO_SCTP) {
        put16(field, checksum);
        return;
    }
    for (size_t i = 0; i < 4; i++)
        field[i] = (uint8_t)(checksum >> 8 * i);
}

void forge_seal(struct forged *forged)
{
    forge_seal_ip(forged);
    if (l4_checksum_place(forged->proto) != 0)
        store_l4_checksum(forged, naive_l4_checksum(forged->bytes, forged->length, forged->family,
                                                    forged->proto, forged->l4));
}

void forge_anything(struct forged *forged, struct random *random)
{
    static const uint8_t protos[] = {IPPROTO_TCP,  IPPROTO_UDP,  IPPROTO_UDPLITE, IPPROTO_SCTP,
                                     IPPROTO_DCCP, IPPROTO_ICMP, IPPROTO_ICMPV6,  IPPROTO_GRE};
    enum ip_family family = random_u64(random) % 2;

    forge_ip(forged, family, protos[random_below(random, sizeof(protos))]);
    if (random_u64(random) % 8 == 0)
        forge_fragment(forged, 8 * random_below(random, 3), random_u64(random) % 2 == 0);
    forge_l4(forged, 8 * random_below(random, 12));
    forge_seal_ip(forged);
    if (random_u64(random) % 4 != 0)
        forge_seal(forged);
    forged->bytes[family == FAMILY_IPV4 ? 8 : 7] = (uint8_t)(64 - random_below(random, 3));
    forge_seal_ip(forged);
    if (random_u64(random) % 4 == 0)
        random_fill(random, forged->bytes + random_below(random, forged->length), 1);
    if (random_u64(random) % 8 == 0)
        forged->length = random_below(random, forged->length + 1);
}

struct packet forged_raw(struct forged *forged)
{
    return (struct packet){
        .data = forged->bytes,
        .length = forged->length,
        .capacity = sizeof(forged->bytes),
    };
}

struct packet forged_packet(struct forged *forged)
{
    struct packet packet = forged_raw(forged);

    assert_int_equal(parse_packet(&packet), REASON_NONE);
    return packet;
}

/* Adds the bytes as 16-bit words, those at SKIP and SKIP + 1 as zeros. */
static uint32_t naive_sum(uint32_t sum, const uint8_t *bytes, size_t length, size_t skip)
{
    for (size_t i = 0; i < length; i++) {
        if (i != skip && i != skip + 1)
            sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
        if (sum > 0xffff)
            sum -= 0xffff;
    }
    return sum;
}

uint16_t naive_ip4_checksum(const uint8_t *bytes)
{
    return (uint16_t)~naive_sum(0, bytes, (bytes[0] & 0xfu) * 4, 10);
}

size_t l4_checksum_place(uint8_t proto)
{
    switch (proto) {
    case IPPROTO_TCP:
        return 16;
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_DCCP:
        return 6;
    case IPPROTO_SCTP:
        return 8;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        return 2;
    default:
        return 0;
    }
}

static uint32_t naive_crc(const uint8_t *bytes, size_t length)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < length; i++) {
        uint8_t byte = i >= 8 && i < 12 ? 0 : bytes[i];

        for (unsigned bit = 0; bit < 8; bit++) {
            crc ^= (unsigned)byte >> bit & 1u;
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
        }
    }
    return ~crc;
}

static uint32_t naive_pseudo(const uint8_t *bytes, enum ip_family family, uint8_t proto,
                             size_t length)
{
    uint8_t tail[4] = {0, proto, (uint8_t)(length >> 8), (uint8_t)length};
    uint32_t sum = family == FAMILY_IPV4 ? naive_sum(0, bytes + 12, 8, SIZE_MAX - 1)
                                         : naive_sum(0, bytes + 8, 32, SIZE_MAX - 1);

    return naive_sum(sum, tail, sizeof(tail), SIZE_MAX - 1);
}

struct virtio_net forge_seal_partial(struct forged *forged, uint16_t gso_size)
{
    struct virtio_net vnet = {
        .flags = VNET_NEEDS_CSUM,
        .gso_size = gso_size,
        .csum_start = (uint16_t)forged->l4,
        .csum_offset = (uint16_t)l4_checksum_place(forged->proto),
    };

    forge_seal_ip(forged);
    store_l4_checksum(forged, naive_pseudo(forged->bytes, forged->family, forged->proto,
                                           forged->length - forged->l4));
    if (gso_size == 0)
        return vnet;
    if (forged->proto == IPPROTO_UDP)
        vnet.gso_type = VNET_GSO_UDP;
    else
        vnet.gso_type = forged->family == FAMILY_IPV4 ? VNET_GSO_TCP4 : VNET_GSO_TCP6;
    return vnet;
}

uint32_t naive_l4_checksum(const uint8_t *bytes, size_t length, enum ip_family family,
                           uint8_t proto, size_t l4)
{
    size_t size = length - l4;
    uint32_t sum = 0;

    if (proto == IPPROTO_SCTP)
        return naive_crc(bytes + l4, size);
    if (proto == IPPROTO_UDP)
        size = get16(bytes + l4 + 4);
    if (proto != IPPROTO_ICMP)
        sum = naive_pseudo(bytes, family, proto, size);
    sum = ~naive_sum(sum, bytes + l4, size, l4_checksum_place(proto)) & 0xffff;
    if ((proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE) && sum == 0)
        return 0xffff;
    return sum;
}

uint32_t stored_l4_checksum(const uint8_t *bytes, uint8_t proto, size_t l4)
{
    const uint8_t *field = bytes + l4 + l4_checksum_place(proto);

    if (proto != IPPROTO_SCTP)
        return (uint32_t)get16(field);
    return (uint32_t)field[3] << 24 | (uint32_t)field[2] << 16 | (uint32_t)field[1] << 8 | field[0];
}

bool checksums_are_right(const uint8_t *bytes, size_t length, enum ip_family family, uint8_t proto,
                         size_t l4)
{
    if (family == FAMILY_IPV4 && get16(bytes + 10) != naive_ip4_checksum(bytes))
        return false;
    return l4_checksum_place(proto) == 0 || stored_l4_checksum(bytes, proto, l4) ==
                                                naive_l4_checksum(bytes, length, family, proto, l4);
}
