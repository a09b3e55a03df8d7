/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcapng: the blocks of a capture file, as bytes (draft-ietf-opsawg-pcapng).
 *
 * Each function puts one block into memory of the caller, who writes it wherever it belongs: a
 * file, a socket, a pipe. A file is one section block, then an interface block for each interface
 * (numbered from 0 in that order), then packets; it may end behind any block. Always in
 * little-endian order, which the section says, so that the same packets give the same bytes on
 * every host. Times are nanoseconds since 1970-01-01 00:00 UTC.
 *
 * Nothing is read here, and nothing is kept between two calls.
 */
#ifndef IPMODD_WIRE_PCAPNG_H
#define IPMODD_WIRE_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Link types of interfaces (tcpdump.org's registry). */
enum {
    PCAPNG_ETHERNET = 1,
    PCAPNG_RAW = 101, /* a packet begins with its IPv4 or IPv6 header */
};

enum {
    PCAPNG_TEXT_MAX = 1024, /* bytes of a text that are written; the rest is cut off */
    /* What a packet's block takes besides its data: fields, padding, every option. */
    PCAPNG_PACKET_OVERHEAD = 32 + 3 + (4 + PCAPNG_TEXT_MAX) + 8 + 12 + 12 + 4,
};

enum pcapng_direction {
    PCAPNG_UNKNOWN,
    PCAPNG_INBOUND,
    PCAPNG_OUTBOUND,
};

/* Texts are UTF-8; NULL: left out. */
struct pcapng_section {
    const char *application; /* that writes it */
    const char *comment;
};

struct pcapng_interface {
    uint16_t link_type;
    uint32_t snap_length; /* bytes of a packet that are kept; 0: all */
    const char *name;
    const char *description;
};

struct pcapng_packet {
    uint32_t interface;
    uint64_t time_ns;
    const uint8_t *data;
    size_t captured; /* bytes at `data` */
    size_t length;   /* of the packet; not less */
    enum pcapng_direction direction;
    uint64_t dropped; /* packets that were lost since the one before; 0: left out */
    bool has_id;
    uint64_t id; /* the same for two records of one packet */
    const char *comment;
};

/* Put a block of a multiple of 4 bytes at OUT and return its size; 0 when ROOM is too small. */
size_t pcapng_put_section(uint8_t *out, size_t room, const struct pcapng_section *section);
size_t pcapng_put_interface(uint8_t *out, size_t room, const struct pcapng_interface *interface);
size_t pcapng_put_packet(uint8_t *out, size_t room, const struct pcapng_packet *packet);

/* Bytes of the block that begins at BLOCK and was put there by one of these. */
size_t pcapng_block_length(const uint8_t *block);

#endif
