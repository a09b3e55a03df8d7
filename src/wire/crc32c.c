/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CRC-32C by nibbles, and the effect of a change by polynomial multiplication. */
#include "ipmodd/wire/crc32c.h"

/* All polynomials here are bit-reflected: bit 31 is the coefficient of x^0. */
#define POLYNOMIAL 0x82f63b78u
#define ONE        (1u << 31)
#define X_TO_THE_8 (1u << 23)

/* So few bytes are sooner gone over than multiplied with. */
enum { SHORT = 64 };

static uint32_t times_x(uint32_t a)
{
    return (a & 1) != 0 ? a >> 1 ^ POLYNOMIAL : a >> 1;
}

/* Remainders of the sixteen nibbles: what times_x() does to each in four steps. */
static const uint32_t nibble_remainder[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t remainder_of_byte(uint32_t remainder)
{
    remainder = remainder >> 4 ^ nibble_remainder[remainder & 0xf];
    return remainder >> 4 ^ nibble_remainder[remainder & 0xf];
}

static uint32_t remainder_of(uint32_t remainder, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        remainder = remainder_of_byte(remainder ^ bytes[i]);
    return remainder;
}

uint32_t crc32c(const uint8_t *bytes, size_t length)
{
    return crc32c_extend(0, bytes, length);
}

uint32_t crc32c_extend(uint32_t crc, const uint8_t *bytes, size_t length)
{
    return ~remainder_of(~crc, bytes, length);
}

static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;

    for (uint32_t bit = ONE; bit != 0; bit >>= 1) {
        if ((a & bit) != 0)
            product ^= b;
        b = times_x(b);
    }
    return product;
}

/* x^(8 × BYTES), by repeated squaring. */
static uint32_t power_of_x(size_t bytes)
{
    uint32_t square = X_TO_THE_8;
    uint32_t power = ONE;

    for (; bytes != 0; bytes >>= 1) {
        if ((bytes & 1) != 0)
            power = multiply(power, square);
        square = multiply(square, square);
    }
    return power;
}

uint32_t crc32c_difference(const uint8_t *change, size_t length, size_t behind)
{
    return crc32c_move(remainder_of(0, change, length), behind);
}

uint32_t crc32c_move(uint32_t difference, size_t behind)
{
    if (difference == 0)
        return 0;
    if (behind > SHORT)
        return multiply(difference, power_of_x(behind));
    for (; behind > 0; behind--)
        difference = remainder_of_byte(difference);
    return difference;
}
