/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The internet checksum: sums of 16-bit words in one's complement (RFC 1071), and how a change of
 * the data changes them (RFC 1624).
 *
 * A sum is kept as a number of 0 to 0xffff in host order of the words as they stand on the wire; in
 * one's complement 0 and 0xffff are the same value. Only a sum of nothing but zeros is 0, which is
 * why a checksum of real data, the complement of its sum, is never 0xffff.
 *
 * A difference is a sum as well: of the complements of the words that went and of the words that
 * came (RFC 1624, equation 3). Applied to a checksum it moves a right one to the right one and a
 * wrong one to one that is wrong by the same amount.
 */
#ifndef IPMODD_WIRE_CHECKSUM_H
#define IPMODD_WIRE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A and B in one's complement. */
static inline uint16_t sum_add(uint16_t a, uint16_t b)
{
    uint32_t sum = (uint32_t)a + b;

    return (uint16_t)(sum + (sum >> 16));
}

/* Of LENGTH bytes that begin at an even place of the data; an odd last byte is padded with zero. */
uint16_t sum_bytes(const uint8_t *bytes, size_t length);

/*
 * SUM as it is after the LENGTH bytes OLD were replaced by NEW. PLACE: offset of the first of them
 * from the start of the data that is summed; it may be odd. Starting from 0 this gives a
 * difference.
 */
uint16_t sum_change(uint16_t sum, size_t place, const uint8_t *old, const uint8_t *new,
                    size_t length);

/* The same for one of the 16-bit words that are summed, in host order. */
static inline uint16_t sum_change_word(uint16_t sum, uint16_t old, uint16_t new)
{
    return sum_add(sum, sum_add((uint16_t)~old, new));
}

/* Whether the difference changes nothing. */
static inline bool sum_is_zero(uint16_t sum)
{
    return sum == 0 || sum == 0xffff;
}

/*
 * Of a pseudo-header: addresses in wire order, upper-layer protocol and length in bytes (RFC 9293
 * 3.1, RFC 8200 8.1).
 */
uint16_t sum_pseudo_ip4(const uint8_t *src, const uint8_t *dst, uint8_t proto, size_t length);
uint16_t sum_pseudo_ip6(const uint8_t *src, const uint8_t *dst, uint8_t proto, size_t length);

/* The checksum field's value for data of this sum, the field itself counted as zero. */
static inline uint16_t checksum_from_sum(uint16_t sum)
{
    return (uint16_t)~sum;
}

/* The checksum field's value after a change by DIFFERENCE; CHECKSUM itself when that is zero. */
static inline uint16_t checksum_adjust(uint16_t checksum, uint16_t difference)
{
    if (sum_is_zero(difference))
        return checksum;
    return (uint16_t)~sum_add((uint16_t)~checksum, difference);
}

/* Whether data with its checksum in place sums up as it should. */
static inline bool checksum_holds(uint16_t sum)
{
    return sum == 0xffff;
}

#endif
