/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a path gives to others, and what it gets from them. */
#include "hand_over.h"

#include "flow/quote.h"
#include "flow/shards.h"
#include "flow/table.h"

#include <assert.h>
#include <string.h>

void path_join(struct path *path, struct shards *shards, unsigned number)
{
    assert(path->counters.in == 0);
    path->shards = shards;
    path->shard = number;
    if (path->flows != NULL)
        table_join(path->flows, shards, number);
}

void hand_over_begin(struct path *path)
{
    path->hands_over = path->shards != NULL &&
                       (path->flows != NULL || directory_count(shards_directory(path->shards)) > 0);
}

bool hand_over_fragment(const struct path *path, struct packet *packet)
{
    unsigned place;

    if ((packet->flags & (PACKET_FRAGMENT | PACKET_GATHERED)) != PACKET_FRAGMENT)
        return false;
    place = fragments_meet(packet, shards_seed(path->shards), shards_count(path->shards));
    packet->flags |= PACKET_GATHERED;
    if (place == path->shard)
        return false;
    packet->fate = FATE_HANDED;
    packet->shard = (uint8_t)place;
    return true;
}

enum reason hand_over_stranger(const struct path *path, struct packet *packet)
{
    struct flow_tuple tuple;
    unsigned owner;

    if (quote_is_part_of_error(packet) && shards_translate(path->shards))
        return REASON_UNTRANSLATABLE;
    if (flow_tuple_of(packet, &tuple) == FLOW_KIND_UNKNOWN)
        return REASON_NONE;
    owner = directory_find(shards_directory(path->shards), &tuple);
    if (owner == DIRECTORY_NOBODY || owner == path->shard)
        return REASON_NONE;
    packet->fate = FATE_HANDED;
    packet->shard = (uint8_t)owner;
    return REASON_NONE;
}

bool hand_over_packet(struct path *path, const struct packet *packet)
{
    assert(packet->fate == FATE_HANDED);
    if (!shards_hand(path->shards, path->shard, packet->shard, packet))
        return false;
    path->handed |= 1u << packet->shard;
    path->counters.handed_over += packet->segments;
    return true;
}

unsigned path_push_handed(struct path *path)
{
    unsigned handed = path->handed;

    path->handed = 0;
    return handed != 0 ? shards_push(path->shards, path->shard, handed) : 0;
}

bool path_is_told(struct path *path)
{
    if (path->shards != NULL && shards_look(path->shards, path->shard))
        path->is_told = true;
    return path->is_told;
}

static void put(struct batch *batch, uint8_t *buffer, const struct handed *handed)
{
    memcpy(buffer, handed->bytes, handed->length);
    batch_commit_offloaded(batch, handed->length, &handed->vnet);
    batch->packets[batch->count - 1].flags = handed->flags;
}

void batch_take_handed(struct path *path, struct batch *batch)
{
    struct handed handed;
    uint8_t *buffer;

    if (!path_is_told(path))
        return;
    while ((buffer = batch_next_buffer(batch)) != NULL) {
        path->is_told = shards_take(path->shards, path->shard, &handed);
        if (!path->is_told)
            return;
        put(batch, buffer, &handed);
    }
}
