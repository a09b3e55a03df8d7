/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of a batch: buffers for packets, answers and segments, reused for ever. */
#include "batch.h"

#include "ipmodd/base/macro.h"
#include "offload.h"

#include <assert.h>
#include <stdlib.h>

enum {
    BUFFERS = BATCH_PACKETS + BATCH_ANSWERS,
    HEADROOM = 64, /* for a virtio-net header; packets begin at a cache line */
    /*
     * Buffers a power of two apart would have all headers compete for the same few cache lines of
     * every level; a few lines more between them spread them out.
     */
    BUFFER_STRIDE = HEADROOM + PACKET_CAPACITY + 4 * 64,
    /*
     * Payload of all packets, the last of which may begin just below BATCH_BYTES, and for each
     * segment its headers and room in front. Twice the payload, because the last segment of a
     * packet gets a buffer like the others.
     */
    SEGMENT_MEMORY = 2 * (BATCH_BYTES + PACKET_CAPACITY) +
                     BATCH_SEGMENTS * (OFFLOAD_HEADERS_MAX + HEADROOM + HEADROOM),
};

static_assert((int)HEADROOM >= (int)VNET_HEADER, "room for the header in front");
static_assert((int)BATCH_SEGMENTS >= 2 * (int)OFFLOAD_SEGMENTS_MAX,
              "room for any super-packet as the last");

struct batch *batch_new(void)
{
    struct batch *batch = calloc(1, sizeof(*batch));

    if (batch == NULL)
        return NULL;
    batch->memory = malloc((size_t)BUFFERS * BUFFER_STRIDE);
    batch->segments = calloc(BATCH_SEGMENTS, sizeof(*batch->segments));
    batch->segment_memory = malloc(SEGMENT_MEMORY);
    if (batch->memory == NULL || batch->segments == NULL || batch->segment_memory == NULL) {
        batch_free(batch);
        return NULL;
    }
    return batch;
}

void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    free(batch->memory);
    free(batch->segments);
    free(batch->segment_memory);
    free(batch);
}

static uint8_t *buffer(const struct batch *batch, size_t number)
{
    return batch->memory + number * BUFFER_STRIDE + HEADROOM;
}

bool batch_is_full(const struct batch *batch)
{
    return batch->count == BATCH_PACKETS || batch->bytes >= BATCH_BYTES ||
           batch->segments_claimed > BATCH_SEGMENTS - OFFLOAD_SEGMENTS_MAX;
}

uint8_t *batch_next_buffer(struct batch *batch)
{
    return batch_is_full(batch) ? NULL : buffer(batch, batch->count);
}

/* What offload_accept() will allow at most, whatever the headers turn out to be. */
static size_t claim(size_t length, const struct virtio_net *vnet)
{
    if (vnet->gso_type == VNET_GSO_NONE || vnet->gso_size == 0)
        return 0;
    return MIN_OF(length / vnet->gso_size + 1, (size_t)OFFLOAD_SEGMENTS_MAX);
}

void batch_commit_offloaded(struct batch *batch, size_t length, const struct virtio_net *vnet)
{
    assert(!batch_is_full(batch) && length <= PACKET_CAPACITY);
    batch->packets[batch->count] = (struct packet){
        .data = buffer(batch, batch->count),
        .length = length,
        .capacity = PACKET_CAPACITY,
        .vnet = *vnet,
    };
    batch->count++;
    batch->bytes += length;
    batch->segments_claimed += claim(length, vnet);
}

void batch_commit(struct batch *batch, size_t length)
{
    batch_commit_offloaded(batch, length, &(struct virtio_net){.gso_type = VNET_GSO_NONE});
}

struct packet *batch_add_answer(struct batch *batch)
{
    struct packet *answer = &batch->answers[batch->answer_count];

    assert(batch->answer_count < BATCH_ANSWERS);
    *answer = (struct packet){
        .data = buffer(batch, BATCH_PACKETS + batch->answer_count),
        .capacity = PACKET_CAPACITY,
    };
    batch->answer_count++;
    return answer;
}

void batch_take_back_answer(struct batch *batch)
{
    assert(batch->answer_count > 0);
    batch->answer_count--;
}

/* Each segment begins at a cache line, as packets do. */
static size_t round_up(size_t bytes)
{
    return (bytes + HEADROOM - 1) / HEADROOM * HEADROOM;
}

struct packet *batch_add_segment(struct batch *batch, const struct packet *packet, size_t capacity)
{
    struct packet *segment = &batch->segments[batch->segment_count];
    size_t taken = HEADROOM + round_up(capacity);

    assert(batch->segment_count < BATCH_SEGMENTS);
    assert(batch->segment_bytes + taken <= SEGMENT_MEMORY);
    *segment = *packet;
    segment->data = batch->segment_memory + batch->segment_bytes + HEADROOM;
    segment->capacity = capacity;
    batch->segment_count++;
    batch->segment_bytes += taken;
    return segment;
}

void batch_reset(struct batch *batch)
{
    batch->count = 0;
    batch->answer_count = 0;
    batch->segment_count = 0;
    batch->bytes = 0;
    batch->segments_claimed = 0;
    batch->segment_bytes = 0;
}
