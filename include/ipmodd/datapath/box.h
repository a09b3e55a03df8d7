/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boxes: what the classifier knows of a rule without asking its matches.
 *
 * A packet is a point in a space of a few dimensions; a rule has, for each family, a box of which
 * it holds nowhere outside. Inside it may or may not hold: a box may be too large, never too small,
 * so a match that cannot say says nothing. What it says are the values of one dimension that its
 * list covers, as a few spans.
 *
 * Numbers are in host order. An IPv6 address is two dimensions of 64 bits. A packet without ports
 * or without an ICMP type has a value there that no list names.
 */
#ifndef IPMODD_DATAPATH_BOX_H
#define IPMODD_DATAPATH_BOX_H

#include "ipmodd/datapath/scope.h"

enum dimension {
    DIMENSION_DST, /* the address, or the upper half of an IPv6 address */
    DIMENSION_SRC,
    DIMENSION_DST_LOW, /* the lower half of an IPv6 address; 0 with IPv4 */
    DIMENSION_SRC_LOW,
    DIMENSION_DPORT,
    DIMENSION_SPORT,
    DIMENSION_PROTO,
    DIMENSION_ICMP_TYPE,
    DIMENSION_TTL,
    DIMENSION_DSCP,
    DIMENSION_DIRECTION,
    DIMENSION_COUNT,
};

enum {
    NO_PORT = 65536,    /* in DIMENSION_DPORT and DIMENSION_SPORT */
    NO_ICMP_TYPE = 256, /* in DIMENSION_ICMP_TYPE */
};

struct span {
    uint64_t first, last; /* inclusive */
};

/* A list with more runs than this is known by its ends alone. */
enum { COVER_SPANS = 16 };

/* Values of one dimension; all zero: none. */
struct cover {
    size_t count;
    bool ends_only; /* there were too many: one span from the smallest to the largest */
    struct span spans[COVER_SPANS];
};

void cover_add(struct cover *cover, uint64_t first, uint64_t last);

struct box {
    enum ip_family family; /* of the packets that it speaks of */
    bool empty;            /* the rule holds for none of them */
    uint16_t touched;      /* dimensions that were bounded since this was cleared, a bit each */
    bool bounded[DIMENSION_COUNT];
    struct cover sides[DIMENSION_COUNT]; /* where bounded, in order and apart from one another */
};

/* The rule holds for no value of DIMENSION outside of COVER. Bounds add up. */
void box_bound(struct box *box, enum dimension dimension, const struct cover *cover);

/* Nor for a protocol that is not in SCOPE. */
void box_bound_protos(struct box *box, const struct scope *scope);

#endif
