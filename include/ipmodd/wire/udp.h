/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP (RFC 768), UDP-Lite (RFC 3828) and DCCP (RFC 4340 5.1) header layouts: offsets in bytes. */
#ifndef IPMODD_WIRE_UDP_H
#define IPMODD_WIRE_UDP_H

enum {
    UDP_SPORT = 0,
    UDP_DPORT = 2,
    UDP_LENGTH = 4, /* UDP-Lite: bytes that the checksum covers, 0 = all */
    UDP_CHECKSUM = 6,
    UDP_HEADER = 8,
};

/* DCCP has ports and checksum where UDP has them. */
enum {
    DCCP_DATA_OFFSET = 4, /* in units of 4 bytes */
    DCCP_COVERAGE = 5,    /* lower four bits: 0 = all, N = header and (N - 1) × 4 bytes of data */
    DCCP_TYPE_X = 8,      /* bit 0: 48-bit sequence numbers, hence a header of 16 bytes */
    DCCP_HEADER_MIN = 12,
    DCCP_HEADER_MIN_X = 16,
};

#endif
