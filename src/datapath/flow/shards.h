/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the datapath does with shards (ipmodd/datapath/shards.h). */
#ifndef IPMODD_DATAPATH_FLOW_SHARDS_H
#define IPMODD_DATAPATH_FLOW_SHARDS_H

#include "directory.h"
#include "ipmodd/datapath/packet.h"
#include "ipmodd/datapath/shards.h"

struct directory *shards_directory(struct shards *shards);

/* Shared by all of them; used with their lock, which a thread may take again when it has it. */
struct mappings *shards_mappings(struct shards *shards);
void shards_lock(struct shards *shards);
void shards_unlock(struct shards *shards);

unsigned shards_count(const struct shards *shards);
uint64_t shards_seed(const struct shards *shards);

/* CHANGE more flows are translated; and whether any is, as far as this thread has heard. */
void shards_change_translated(struct shards *shards, int change);
bool shards_translate(const struct shards *shards);

/* A packet as it was read. */
struct handed {
    const uint8_t *bytes; /* in the ring */
    size_t length;
    struct virtio_net vnet;
    uint16_t flags; /* of enum packet_flag, those that parse does not find out */
};

/* A copy of PACKET, of which nothing was edited, for path TO from path FROM. False without room. */
bool shards_hand(struct shards *shards, unsigned from, unsigned to, const struct packet *packet);

/*
 * Shows the paths of the mask TARGETS what FROM has for them. Which of them are to be woken: the
 * others have been told already and have not looked yet.
 */
unsigned shards_push(struct shards *shards, unsigned from, unsigned targets);

/* Whether path NUMBER is told to look; it does so now. */
bool shards_look(struct shards *shards, unsigned number);

/* The next packet for path NUMBER, valid until the next call; false without one. */
bool shards_take(struct shards *shards, unsigned number, struct handed *ret_handed);

#endif
