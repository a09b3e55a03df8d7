/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of a batch: one buffer for each packet and each answer, reused for ever. */
#include "batch.h"

#include <assert.h>
#include <stdlib.h>

enum {
    BUFFERS = 2 * BATCH_PACKETS,
    /*
     * Buffers a power of two apart would have all headers compete for the same few cache lines of
     * every level; a few lines more between them spread them out.
     */
    BUFFER_STRIDE = PACKET_CAPACITY + 5 * 64,
};

struct batch *batch_new(void)
{
    struct batch *batch = calloc(1, sizeof(*batch));

    if (batch == NULL)
        return NULL;
    batch->memory = malloc((size_t)BUFFERS * BUFFER_STRIDE);
    if (batch->memory == NULL) {
        free(batch);
        return NULL;
    }
    return batch;
}

void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    free(batch->memory);
    free(batch);
}

static uint8_t *buffer(const struct batch *batch, size_t number)
{
    return batch->memory + number * BUFFER_STRIDE;
}

uint8_t *batch_next_buffer(struct batch *batch)
{
    return batch->count < BATCH_PACKETS ? buffer(batch, batch->count) : NULL;
}

void batch_commit(struct batch *batch, size_t length)
{
    assert(batch->count < BATCH_PACKETS && length <= PACKET_CAPACITY);
    batch->packets[batch->count] = (struct packet){
        .data = buffer(batch, batch->count),
        .length = length,
        .capacity = PACKET_CAPACITY,
    };
    batch->count++;
}

struct packet *batch_add_answer(struct batch *batch)
{
    struct packet *answer = &batch->answers[batch->answer_count];

    assert(batch->answer_count < BATCH_PACKETS);
    *answer = (struct packet){
        .data = buffer(batch, BATCH_PACKETS + batch->answer_count),
        .capacity = PACKET_CAPACITY,
    };
    batch->answer_count++;
    return answer;
}

void batch_reset(struct batch *batch)
{
    batch->count = 0;
    batch->answer_count = 0;
}
