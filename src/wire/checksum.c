/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums in one's complement, whole and by difference. */
#include "ipmodd/wire/checksum.h"

#include "ipmodd/wire/bytes.h"

#include <endian.h>
#include <string.h>

static uint16_t fold(uint64_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/*
 * One's complement sums do not care for byte order as long as the result is swapped like the words
 * (RFC 1071 2 B), nor for the width of the words (2 C). A 64-bit accumulator of 32-bit words cannot
 * overflow on anything that fits into memory.
 */
uint16_t sum_bytes(const uint8_t *bytes, size_t length)
{
    uint64_t sum = 0;
    uint32_t word;
    uint16_t half;

    for (; length >= sizeof(word); bytes += sizeof(word), length -= sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        sum += word;
    }
    if (length >= sizeof(half)) {
        memcpy(&half, bytes, sizeof(half));
        sum += half;
        bytes += sizeof(half);
        length -= sizeof(half);
    }
    if (length > 0) {
        const uint8_t padded[2] = {*bytes, 0};

        memcpy(&half, padded, sizeof(half));
        sum += half;
    }
    return be16toh(fold(sum));
}

/* At an odd place every byte is in the other half of its word, so the sums are swapped as well. */
uint16_t sum_change(uint16_t sum, size_t place, const uint8_t *old, const uint8_t *new,
                    size_t length)
{
    uint16_t difference = sum_add((uint16_t)~sum_bytes(old, length), sum_bytes(new, length));

    if (place % 2 != 0)
        difference = (uint16_t)(difference << 8 | difference >> 8);
    return sum_add(sum, difference);
}

static uint16_t sum_pseudo(const uint8_t *src, const uint8_t *dst, size_t address_bytes,
                           uint8_t proto, size_t length)
{
    return fold((uint64_t)sum_bytes(src, address_bytes) + sum_bytes(dst, address_bytes) + proto +
                length);
}

uint16_t sum_pseudo_ip4(const uint8_t *src, const uint8_t *dst, uint8_t proto, size_t length)
{
    return sum_pseudo(src, dst, 4, proto, length);
}

uint16_t sum_pseudo_ip6(const uint8_t *src, const uint8_t *dst, uint8_t proto, size_t length)
{
    return sum_pseudo(src, dst, 16, proto, length);
}
