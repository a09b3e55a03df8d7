/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP header layout (RFC 9293 3.1): offsets in bytes from its first byte. */
#ifndef IPMODD_WIRE_TCP_H
#define IPMODD_WIRE_TCP_H

#include "ipmodd/wire/bytes.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    TCP_SPORT = 0,
    TCP_DPORT = 2,
    TCP_SEQ = 4,
    TCP_ACK = 8,
    TCP_DATA_OFFSET = 12, /* upper four bits, in units of 4 bytes */
    TCP_FLAGS = 13,
    TCP_WINDOW = 14,
    TCP_CHECKSUM = 16,
    TCP_URGENT = 18,
    TCP_HEADER_MIN = 20,
    TCP_OPTIONS_MAX = 40, /* bytes: the data offset has four bits */
};

/* Bits of the flags byte. */
enum {
    TCP_FLAG_FIN = 0x01,
    TCP_FLAG_SYN = 0x02,
    TCP_FLAG_RST = 0x04,
    TCP_FLAG_PSH = 0x08,
    TCP_FLAG_ACK = 0x10,
    TCP_FLAG_URG = 0x20,
    TCP_FLAG_ECE = 0x40,
    TCP_FLAG_CWR = 0x80,
};

/* Option kinds (RFC 9293 3.2). */
enum {
    TCP_OPTION_MSS = 2, /* its value: 16 bits */
};

/* A timestamp behind two NOPs, as RFC 7323 appendix A recommends: its bytes, and the first 32 bits
 * of them. */
enum {
    TCP_ALIGNED_TIMESTAMP = 12,
    TCP_ALIGNED_TIMESTAMP_WORD = 0x0101080a,
};

/*
 * The flags of one segment when a super-packet with FLAGS is cut up: FIN and PSH are the last
 * one's, CWR is the first one's (RFC 3168 6.1.2).
 */
static inline uint8_t tcp_flags_of_segment(uint8_t flags, bool first, bool last)
{
    unsigned kept = flags;

    if (!last)
        kept &= ~((unsigned)TCP_FLAG_FIN | TCP_FLAG_PSH);
    if (!first)
        kept &= ~(unsigned)TCP_FLAG_CWR;
    return (uint8_t)kept;
}

/* The data offset in bytes. */
static inline size_t tcp_header_length(const uint8_t *header)
{
    return (size_t)(header[TCP_DATA_OFFSET] >> 4) * 4;
}

#endif
