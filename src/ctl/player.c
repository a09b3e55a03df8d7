/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One frame in, none, one or more out. */
#include "player.h"

#include "frame.h"
#include "ipmodd/base/macro.h"

#include <errno.h>
#include <string.h>

static int put(struct player *player, const struct frame *frame)
{
    player->tallies.written++;
    return capture_writer_put(player->writer, frame);
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
static int put_built(struct player *player, const struct frame *frame, size_t header,
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
    return put(player, &built);
}

/* What was not edited is written as it came, whatever it is. */
static int put_packet(struct player *player, const struct frame *frame,
                      const struct frame_packet *place, const struct packet *packet)
{
    if ((packet->flags & PACKET_EDITED) == 0)
        return put(player, frame);
    memcpy(player->memory, frame->bytes, place->offset);
    return put_built(player, frame, place->offset, packet,
                     frame->captured - place->offset - place->told);
}

/* What had waited for PACKET leaves behind it, with the link layer of its frame. */
static int put_behind(struct player *player, const struct frame *frame, size_t offset,
                      const struct packet *packet)
{
    struct frame whole = *frame;

    whole.length = whole.captured;
    memcpy(player->memory, frame->bytes, offset);
    for (packet = packet->behind; packet != NULL; packet = packet->behind) {
        if (packet->fate == FATE_OUT && put_built(player, &whole, offset, packet, 0) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int put_answers(struct player *player, const struct frame *frame, size_t offset)
{
    const struct batch *batch = player->offline->batch;
    struct frame whole = *frame;

    whole.length = whole.captured; /* nothing is missing of an answer */
    for (size_t i = 0; i < batch->answer_count; i++) {
        memcpy(player->memory, frame->bytes, offset);
        link_turn_round(capture_link_type(player->capture), player->memory);
        if (put_built(player, &whole, offset, &batch->answers[i], 0) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int pass(struct player *player, const struct frame *frame, uint64_t *tally)
{
    ++*tally;
    return put(player, frame);
}

int player_play(struct player *player, const struct frame *frame)
{
    const struct packet *packet;
    struct frame_packet place;
    enum frame_kind kind = frame_find_packet(capture_link_type(player->capture), frame, &place);

    player->tallies.frames++;
    if (kind != FRAME_PACKET)
        return pass(player, frame,
                    kind == FRAME_CUT ? &player->tallies.cut : &player->tallies.not_ip);
    if (make_room(player, frame->captured + PACKET_CAPACITY) < 0)
        return -ENOMEM;
    packet = offline_run(player->offline, frame->bytes + place.offset, place.size, &frame->time);
    if ((packet->fate == FATE_OUT && put_packet(player, frame, &place, packet) < 0) ||
        put_behind(player, frame, place.offset, packet) < 0)
        return -ENOMEM;
    return put_answers(player, frame, place.offset) < 0 ? -ENOMEM : 1;
}

void player_clear(struct player *player)
{
    free(TAKE_PTR(player->memory));
}
