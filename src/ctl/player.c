/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One frame in, none, one or more out. */
#include "player.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"

#include <errno.h>
#include <string.h>

static void put(struct player *player, const struct frame *frame)
{
    capture_writer_put(player->writer, frame);
    player->tallies.written++;
}

/* What the IP header says of the packet's length; 0 where it does not say, or is not there. */
static size_t length_by_header(const uint8_t *bytes, size_t size)
{
    if (size >= IP4_HEADER_MIN && bytes[0] >> 4 == 4)
        return be16_load(bytes + IP4_TOTAL_LENGTH);
    if (size >= IP6_HEADER && bytes[0] >> 4 == 6)
        return IP6_HEADER + (size_t)be16_load(bytes + IP6_PAYLOAD_LENGTH);
    return 0;
}

/* Bytes of the IP packet at OFFSET were on the wire and are not in the capture. */
static bool is_cut(const struct frame *frame, size_t offset)
{
    size_t size = frame->captured - offset;
    size_t told = length_by_header(frame->bytes + offset, size);

    return frame->length > frame->captured && (told == 0 || told > size);
}

static int make_room(struct player *player, size_t size)
{
    uint8_t *memory;

    if (size <= player->size)
        return 0;
    memory = realloc(player->memory, size);
    if (memory == NULL)
        return -ENOMEM;
    player->memory = memory;
    player->size = size;
    return 0;
}

/* FRAME with HEADER of its bytes in front of PACKET and TRAILER of them behind. */
static void put_built(struct player *player, const struct frame *frame, size_t header,
                      const struct packet *packet, size_t trailer)
{
    struct frame built = *frame;
    size_t rest = frame->length - frame->captured;

    memcpy(player->memory + header, packet->data, packet->length);
    memcpy(player->memory + header + packet->length, frame->bytes + frame->captured - trailer,
           trailer);
    built.bytes = player->memory;
    built.captured = header + packet->length + trailer;
    built.length = built.captured + rest;
    put(player, &built);
}

/* What was not edited is written as it came, whatever it is. */
static void put_packet(struct player *player, const struct frame *frame, size_t offset,
                       const struct packet *packet, size_t told)
{
    if ((packet->flags & PACKET_EDITED) == 0) {
        put(player, frame);
        return;
    }
    memcpy(player->memory, frame->bytes, offset);
    put_built(player, frame, offset, packet, frame->captured - offset - told);
}

static void put_answers(struct player *player, const struct frame *frame, size_t offset)
{
    const struct batch *batch = player->offline->batch;
    struct frame whole = *frame;

    whole.length = whole.captured; /* nothing is missing of an answer */
    for (size_t i = 0; i < batch->answer_count; i++) {
        memcpy(player->memory, frame->bytes, offset);
        link_turn_round(capture_link_type(player->capture), player->memory);
        put_built(player, &whole, offset, &batch->answers[i], 0);
    }
}

int player_play(struct player *player, const struct frame *frame)
{
    const struct packet *packet;
    size_t offset, size, told;

    player->tallies.frames++;
    if (!link_find_ip(capture_link_type(player->capture), frame->bytes, frame->captured, &offset)) {
        player->tallies.not_ip++;
        put(player, frame);
        return 0;
    }
    if (is_cut(frame, offset)) {
        player->tallies.cut++;
        put(player, frame);
        return 0;
    }
    if (make_room(player, frame->captured + PACKET_CAPACITY) < 0)
        return -ENOMEM;
    size = MIN_OF(frame->captured - offset, (size_t)PACKET_CAPACITY);
    told = length_by_header(frame->bytes + offset, size);
    packet = offline_run(player->offline, frame->bytes + offset, size, &frame->time);
    if (packet->fate == FATE_OUT)
        put_packet(player, frame, offset, packet, told);
    put_answers(player, frame, offset);
    return 1;
}

void player_clear(struct player *player)
{
    free(TAKE_PTR(player->memory));
}
