/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SCTP common header layout (RFC 9260 3.1): offsets in bytes from its first byte. */
#ifndef IPMODD_WIRE_SCTP_H
#define IPMODD_WIRE_SCTP_H

enum {
    SCTP_SPORT = 0,
    SCTP_DPORT = 2,
    SCTP_TAG = 4,
    SCTP_CHECKSUM = 8, /* CRC-32C, least significant byte first */
    SCTP_HEADER = 12,
};

#endif
