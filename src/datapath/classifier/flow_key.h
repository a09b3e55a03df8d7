/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow keys: the fields of a packet (FIELDS_OF_FLOW) that some rule reads, packed; all others are
 * 0.
 */
#ifndef IPMODD_DATAPATH_FLOW_KEY_H
#define IPMODD_DATAPATH_FLOW_KEY_H

#include "ipmodd/datapath/field.h"
#include "ipmodd/datapath/packet.h"

enum { FLOW_KEY_WORDS = 6 };

struct flow_key {
    uint64_t words[FLOW_KEY_WORDS]; /* the first flow_key_words() are in use */
    uint32_t from;                  /* number of the rule from which on rules are meant */
    uint32_t generation;            /* of the ruleset; never 0 */
};

/* Which bits of a key count, in packets of one family. */
struct flow_mask {
    uint64_t words[FLOW_KEY_WORDS];
};

/* With IPv4 the addresses share a word. */
static inline size_t flow_key_words(enum ip_family family)
{
    return family == FAMILY_IPV4 ? 3 : FLOW_KEY_WORDS;
}

/* That of FIELDS and of what is always told apart. */
struct flow_mask flow_mask_of(field_set fields, enum ip_family family);

/* Fills the words of KEY that are in use. PACKET: of the family that MASK is for. */
void flow_key_take(struct flow_key *key, const struct packet *packet, const struct flow_mask *mask);

#endif
