/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers in wire order, read and written byte by byte.
 *
 * Packets stand at any address, so no number of a header is ever reached through a pointer to a
 * wider type. Nothing here checks a bound: that is the cursor's work (cursor.h) or was done by
 * whoever accepted the packet.
 */
#ifndef IPMODD_WIRE_BYTES_H
#define IPMODD_WIRE_BYTES_H

#include <stdint.h>

static inline uint16_t be16_load(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t be32_load(const uint8_t *at)
{
    return (uint32_t)be16_load(at) << 16 | be16_load(at + 2);
}

static inline uint64_t be64_load(const uint8_t *at)
{
    return (uint64_t)be32_load(at) << 32 | be32_load(at + 4);
}

static inline uint16_t le16_load(const uint8_t *at)
{
    return (uint16_t)(at[1] << 8 | at[0]);
}

static inline uint32_t le32_load(const uint8_t *at)
{
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static inline void be16_store(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void be32_store(uint8_t *at, uint32_t value)
{
    be16_store(at, (uint16_t)(value >> 16));
    be16_store(at + 2, (uint16_t)value);
}

static inline void le16_store(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void le32_store(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
}

#endif
