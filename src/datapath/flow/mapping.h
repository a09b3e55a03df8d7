/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mappings: which external address and port an internal one has (translation.h).
 *
 * A table of fixed size with two indices (places.h), by the internal and by the external side, and
 * a bit for each external port that is taken (port_sets.h). A mapping belongs to the flows that use
 * it, and goes with the last of them. Numbers are stable, start at 1, and 0 is none. Where several
 * threads use them, each does with the lock of shards.h.
 *
 * With `nat-filtering = address-dependent` there are permits as well: mappings without an external
 * side whose internal one is the external side of another, and whose remote address has been sent
 * to by it. With `nat-ports` there are subscribers: mappings without an external side whose
 * internal one is an address alone, and whose users are the mappings that this address has.
 */
#ifndef IPMODD_DATAPATH_FLOW_MAPPING_H
#define IPMODD_DATAPATH_FLOW_MAPPING_H

#include "ipmodd/datapath/flow.h"

/* Equal ones are equal memory; addresses and ports as in struct flow_tuple. */
struct mapping_inside {
    uint8_t address[16];
    uint8_t remote[16]; /* zeros where the mapping does not depend on it, as its port */
    uint16_t port, remote_port;
    uint8_t proto, family;
    uint16_t zero;
    uint32_t rule;
};

struct mapping_outside {
    uint8_t address[16];
    uint16_t port;
    uint8_t proto, family;
};

struct mapping {
    struct mapping_inside inside;
    struct mapping_outside outside;
    union {
        struct {
            uint32_t users : 30; /* flows, or of a subscriber its mappings */
            uint32_t has_outside : 1;
            uint32_t has_subscriber : 1;
        };
        uint32_t next; /* private: of the free ones */
    };
};

/* Of the ports from FIRST to LAST those are wanted whose bit, by their last six bits, is set. */
struct port_range {
    uint16_t first, last;
    uint64_t wanted;
};

struct mappings;

/* Room for CAPACITY of them, in memory that is touched as it is used. NULL without memory. */
struct mappings *mappings_new(size_t capacity);
void mappings_free(struct mappings *mappings);

/* Bytes of memory that they would have, were all in use; 0 while there are none. */
size_t mappings_memory(const struct mappings *mappings);

/* Places what comes by a hash with another SEED; only while there are none. */
void mappings_seed(struct mappings *mappings, uint64_t seed);

/*
 * The mapping of INSIDE, also where VIA (an address of its family, or NULL) is its external
 * address; 0 for none.
 */
uint32_t mappings_find_inside(const struct mappings *mappings, const struct mapping_inside *inside,
                              const uint8_t *via);

/* The mapping that has OUTSIDE; 0 for none. */
uint32_t mappings_find_outside(const struct mappings *mappings,
                               const struct mapping_outside *outside);

/*
 * The first port of RANGE that no mapping has at the address of OUTSIDE, from its port, one of
 * those, on and round. False: there is none.
 */
bool mappings_find_port(const struct mappings *mappings, const struct mapping_outside *outside,
                        const struct port_range *range, uint16_t *ret_port);

/* The inside of the permit for what is sent as TUPLE from a remote address to a mapping. */
struct mapping_inside mapping_permit(const struct flow_tuple *tuple);

/* One without flows yet; 0 when there is no room. OUTSIDE is not in use; NULL: it has none. */
uint32_t mappings_add(struct mappings *mappings, const struct mapping_inside *inside,
                      const struct mapping_outside *outside);

/*
 * Likewise, and it counts for the subscriber that its internal address is (RFC 6888 REQ-4) as long
 * as it is there.
 */
uint32_t mappings_add_counted(struct mappings *mappings, const struct mapping_inside *inside,
                              const struct mapping_outside *outside);

/* How many there are that were counted for the internal address of INSIDE. */
uint32_t mappings_count_subscribed(const struct mappings *mappings,
                                   const struct mapping_inside *inside);

const struct mapping *mappings_get(const struct mappings *mappings, uint32_t number);

/* Whether there is none at all; asked without any lock. */
bool mappings_are_none(const struct mappings *mappings);

/* One flow more, or less: the last one takes the mapping along. NUMBER may be 0. */
void mappings_hold(struct mappings *mappings, uint32_t number);
void mappings_release(struct mappings *mappings, uint32_t number);

#endif
