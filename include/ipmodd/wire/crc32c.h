/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CRC-32C (Castagnoli) as SCTP uses it (RFC 9260 6.8 and appendix A).
 *
 * A CRC is linear: the CRC of changed data is the CRC before, XORed with the remainder of the
 * change alone. The bytes behind a change multiply its remainder by a power of x, which is computed
 * from their number; they are not read.
 */
#ifndef IPMODD_WIRE_CRC32C_H
#define IPMODD_WIRE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const uint8_t *bytes, size_t length);

/* Of data whose CRC is CRC so far and that goes on with BYTES. */
uint32_t crc32c_extend(uint32_t crc, const uint8_t *bytes, size_t length);

/*
 * What to XOR into a CRC when the LENGTH bytes old XOR new = CHANGE were replaced and BEHIND bytes
 * follow them.
 */
uint32_t crc32c_difference(const uint8_t *change, size_t length, size_t behind);

/* A DIFFERENCE when BEHIND bytes more follow. */
uint32_t crc32c_move(uint32_t difference, size_t behind);

#endif
