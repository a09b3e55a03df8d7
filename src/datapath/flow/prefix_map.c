/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replacing prefixes, and RFC 6296's way to leave checksums alone. */
#include "prefix_map.h"

#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/checksum.h"

enum {
    SUBNET_WORD = 3, /* bits 48 to 63 */
    IID_WORD = 4,    /* the first of the interface identifier */
    WORDS = 8,
    NEUTRAL_MAX = 64, /* bits of a prefix: behind it there are words that can make up for it */
    SUBNET_MAX = 48,
    NO_VALUE = 0xffff, /* in one's complement the same as 0, and never made */
};

static uint16_t word(const uint8_t *address, size_t number)
{
    return be16_load(address + 2 * number);
}

/* The word that makes up for another prefix; WORDS when none can. */
static size_t find_word(const struct ip_prefix *prefix, const uint8_t *address)
{
    size_t number = IID_WORD;

    if (prefix->len <= SUBNET_MAX)
        return word(address, SUBNET_WORD) != NO_VALUE ? SUBNET_WORD : WORDS;
    while (number < WORDS && word(address, number) == NO_VALUE)
        number++;
    return number;
}

static void replace_bits(const struct ip_prefix *prefix, uint8_t *address)
{
    for (size_t i = 0; 8 * i < prefix->len; i++) {
        unsigned left = prefix->len - 8 * (unsigned)i;
        unsigned mask = left >= 8 ? 0xff : 0xff00u >> left & 0xff;

        address[i] = (uint8_t)((prefix->addr.bytes[i] & mask) | (address[i] & ~mask));
    }
}

bool prefix_map(const struct ip_prefix *prefix, uint8_t *address)
{
    uint16_t before, changed;
    size_t number;

    if (prefix->addr.family == FAMILY_IPV4 || prefix->len > NEUTRAL_MAX) {
        replace_bits(prefix, address);
        return true;
    }
    number = find_word(prefix, address);
    if (number == WORDS)
        return false;
    before = sum_bytes(address, 16);
    replace_bits(prefix, address);
    changed = sum_add(word(address, number), sum_add(before, (uint16_t)~sum_bytes(address, 16)));
    be16_store(address + 2 * number, changed == NO_VALUE ? 0 : changed);
    return true;
}
