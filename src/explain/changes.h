/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which details of a packet differ from what they were. */
#ifndef IPMODD_EXPLAIN_CHANGES_H
#define IPMODD_EXPLAIN_CHANGES_H

#include "ipmodd/explain/explain.h"

/* A packet at one moment, with bytes of its own. */
struct packet_copy {
    struct packet packet;
    uint8_t *bytes; /* PACKET_CAPACITY of them, owned */
};

/* 0 or -ENOMEM. */
int packet_copy_init(struct packet_copy *copy);
void packet_copy_clear(struct packet_copy *copy);

/*
 * Copies PACKET as it is on the wire: what a later fragment shows of its first one (its shadow) is
 * none of it.
 */
void packet_copy_take(struct packet_copy *copy, const struct packet *packet);

#endif
