/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow keys: the fields of a packet (FIELDS_OF_FLOW) that some rule reads, packed; all others are
 * 0.
 *
 * Bytes of headers stand as in the packet and are taken a word at a time: what does not count is
 * masked. A key is made for every packet, so there is little more to it than to load and to mask.
 */
#ifndef IPMODD_DATAPATH_FLOW_KEY_H
#define IPMODD_DATAPATH_FLOW_KEY_H

#include "ipmodd/datapath/field.h"
#include "ipmodd/datapath/packet.h"

#include <string.h>

/* The words of a key. With IPv4 both addresses share a word. */
enum {
    KEY_IP,    /* eight bytes of the IP header, those with DS field, DF and TTL */
    KEY_UPPER, /* four of the upper-layer header, and what was found out about the packet */
    KEY_ADDRESSES,
    FLOW_KEY_WORDS = KEY_ADDRESSES + 4,
};

struct flow_key {
    uint64_t words[FLOW_KEY_WORDS]; /* the first flow_key_words() are in use */
    uint64_t scope;                 /* flow_key_scope(); never 0 */
};

/* What a key is for: the rules from number FROM on of the ruleset with GENERATION, which is not 0.
 */
static inline uint64_t flow_key_scope(uint32_t generation, uint32_t from)
{
    return (uint64_t)generation << 32 | from;
}

/* Which bits count, in packets of one family. */
struct flow_mask {
    uint64_t ip;
    uint32_t ports, icmp; /* of the first four bytes of an upper-layer header */
    uint8_t tcp_flags;
    uint8_t direction;
    uint64_t addresses[FLOW_KEY_WORDS - KEY_ADDRESSES];
};

/* What KEY_UPPER has above the bytes of the header: protocol, TCP flags, and from KEY_KIND_AT on
 * the kind of packet: matches are asked differently about each. */
enum {
    KEY_PROTO_AT = 32,
    KEY_TCP_FLAGS_AT = 40,
    KEY_KIND_AT = 48,
    KEY_IPV6 = 1u << 0,
    KEY_SUPER = 1u << 4,
    KEY_SEES_L4 = 1u << 5,
    KEY_DIRECTION = 1u << 6,                                             /* and the bit above */
    KEY_FLAGS = PACKET_FRAGMENT | PACKET_LATER_FRAGMENT | PACKET_ORPHAN, /* stand as in `flags` */
};

static_assert((KEY_FLAGS & (KEY_IPV6 | KEY_SUPER | KEY_SEES_L4 | 3 * KEY_DIRECTION)) == 0,
              "a bit for each");
static_assert((KEY_FLAGS >> (64 - KEY_KIND_AT)) == 0, "the kind has room");

static inline size_t flow_key_words(enum ip_family family)
{
    return family == FAMILY_IPV4 ? KEY_ADDRESSES + 1 : FLOW_KEY_WORDS;
}

/* That of FIELDS and of what is always told apart. */
struct flow_mask flow_mask_of(field_set fields, enum ip_family family);

static inline uint64_t flow_key_kind(const struct packet *packet, enum ip_family family,
                                     const struct flow_mask *mask)
{
    unsigned kind = packet->flags & KEY_FLAGS;

    kind |= family == FAMILY_IPV6 ? KEY_IPV6 : 0;
    kind |= packet->segments > 1 ? KEY_SUPER : 0;
    kind |= (packet->direction & mask->direction) * KEY_DIRECTION;
    return (uint64_t)packet->proto << KEY_PROTO_AT | (uint64_t)kind << KEY_KIND_AT;
}

/* Of the upper-layer header: all protocols but ICMP have their ports in front. */
static inline uint64_t flow_key_l4(const struct packet *packet, enum ip_family family,
                                   const struct flow_mask *mask)
{
    uint8_t icmp = family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    const uint8_t *header;
    uint32_t front;
    uint64_t word;

    if (!packet_sees_l4(packet))
        return 0;
    header = packet_l4(packet);
    memcpy(&front, header, sizeof(front));
    word = front & (packet->proto == icmp ? mask->icmp : mask->ports);
    if (mask->tcp_flags != 0 && packet->proto == IPPROTO_TCP)
        word |= (uint64_t)(header[TCP_FLAGS] & mask->tcp_flags) << KEY_TCP_FLAGS_AT;
    return word | (uint64_t)KEY_SEES_L4 << KEY_KIND_AT;
}

static inline uint64_t flow_key_load(const uint8_t *bytes, uint64_t mask)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return word & mask;
}

/*
 * Fills the words of KEY that are in use. PACKET: of FAMILY, which MASK is for. Each word is
 * written once and whole: the hash reads them next, and would wait for one that is put together in
 * memory.
 */
static inline void flow_key_take(struct flow_key *key, const struct packet *packet,
                                 enum ip_family family, const struct flow_mask *mask)
{
    const uint8_t *header = packet->data;

    key->words[KEY_UPPER] = flow_key_kind(packet, family, mask) | flow_key_l4(packet, family, mask);
    if (family == FAMILY_IPV4) {
        key->words[KEY_IP] = flow_key_load(header + IP4_TOS, mask->ip);
        key->words[KEY_ADDRESSES] = flow_key_load(header + IP4_SRC, mask->addresses[0]);
        return;
    }
    key->words[KEY_IP] = flow_key_load(header + IP6_VERSION_CLASS, mask->ip);
    for (size_t i = 0; i < FLOW_KEY_WORDS - KEY_ADDRESSES; i++)
        key->words[KEY_ADDRESSES + i] =
            flow_key_load(header + IP6_SRC + i * sizeof(uint64_t), mask->addresses[i]);
}

#endif
