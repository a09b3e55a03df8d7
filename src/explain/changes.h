/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which details of a packet differ from what they were. */
#ifndef IPMODD_EXPLAIN_CHANGES_H
#define IPMODD_EXPLAIN_CHANGES_H

#include "ipmodd/explain/explain.h"

/* A packet at one moment, with bytes of its own. */
struct snapshot {
    struct packet packet;
    uint8_t *bytes; /* PACKET_CAPACITY of them, owned */
};

/* 0 or -ENOMEM. */
int snapshot_init(struct snapshot *snapshot);
void snapshot_clear(struct snapshot *snapshot);

/*
 * Copies PACKET as it is on the wire: what a later fragment shows of its first one (its shadow) is
 * none of it.
 */
void snapshot_take(struct snapshot *snapshot, const struct packet *packet);

/* Appends to CHANGES what tells AFTER from BEFORE on the wire. 0 or -ENOMEM. */
int changes_find(struct changes *changes, const struct packet *before, const struct packet *after);

void changes_clear(struct changes *changes);

#endif
