/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits the TTL of a packet. */
#include "ttl.h"

enum {
    IP4_HEADER = 20,
    IP4_TTL = 8,
    IP4_CHECKSUM = 10,
    IP6_HEADER = 40,
    IP6_HOP_LIMIT = 7,
};

/* Equation 3 of RFC 1624 for the 16-bit word that TTL and protocol share. */
static void ip4_set_ttl(uint8_t *header, uint8_t ttl)
{
    uint32_t checksum = (uint32_t)header[IP4_CHECKSUM] << 8 | header[IP4_CHECKSUM + 1];
    uint32_t old_word = (uint32_t)header[IP4_TTL] << 8 | header[IP4_TTL + 1];
    uint32_t new_word = (uint32_t)ttl << 8 | header[IP4_TTL + 1];
    uint32_t sum = (~checksum & 0xffff) + (~old_word & 0xffff) + new_word;

    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    header[IP4_TTL] = ttl;
    header[IP4_CHECKSUM] = (uint8_t)(~sum >> 8);
    header[IP4_CHECKSUM + 1] = (uint8_t)~sum;
}

void packet_set_ttl(uint8_t *packet, size_t length, uint8_t ttl)
{
    if (length >= IP4_HEADER && packet[0] >> 4 == 4)
        ip4_set_ttl(packet, ttl);
    else if (length >= IP6_HEADER && packet[0] >> 4 == 6)
        packet[IP6_HOP_LIMIT] = ttl;
}

void packet_return_ttl(uint8_t *packet, size_t length)
{
    uint8_t ttl;

    if (length < IP4_HEADER)
        return;
    ttl = packet[packet[0] >> 4 == 4 ? IP4_TTL : IP6_HOP_LIMIT];
    if (ttl < UINT8_MAX)
        packet_set_ttl(packet, length, (uint8_t)(ttl + 1));
}
