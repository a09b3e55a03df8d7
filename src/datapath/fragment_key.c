/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a fragment to the datagram that it is of. */
#include "fragment_key.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(struct fragment_key) == 40, "no padding");

struct fragment_key fragment_key_of(const struct packet *packet)
{
    struct fragment_key key = {
        .id = packet_fragment_id(packet),
        .family = (uint8_t)packet->family,
        .proto = packet->family == FAMILY_IPV4 ? packet->proto : 0,
    };

    memcpy(key.src, packet_src(packet), IP_ADDR_BYTES(packet->family));
    memcpy(key.dst, packet_dst(packet), IP_ADDR_BYTES(packet->family));
    return key;
}

bool fragment_key_equal(const struct fragment_key *a, const struct fragment_key *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}
