/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Player: a capture through the pipeline into another capture.
 *
 * Each frame with an IP packet is run by itself, at its own time. What leaves goes into the output
 * with the link layer, the time and the trailing bytes (Ethernet's padding) of its frame; a packet
 * that is dropped leaves its frame out; answers follow the frame that they answer, with its time
 * and its link layer turned round. A fragment that waited for its first one follows the frame of
 * that, with its time and link layer.
 *
 * Two kinds of frames pass unchanged and are counted: those without an IP packet, and those of
 * which the capture has only the first bytes, because what is missing could decide (a match on the
 * payload, a checksum).
 */
#ifndef IPMODD_CTL_PLAYER_H
#define IPMODD_CTL_PLAYER_H

#include "capture.h"
#include "offline.h"

struct tallies {
    uint64_t frames;
    uint64_t not_ip;  /* frames that passed unchanged, without an IP packet */
    uint64_t cut;     /* frames that passed unchanged, cut by the capture's snap length */
    uint64_t written; /* frames, answers included */
};

struct player {
    struct offline *offline; /* borrowed, as the two below */
    struct capture *capture;
    struct capture_writer *writer;
    struct tallies tallies;
    uint8_t *memory; /* where changed frames and answers are put together */
    size_t size;
};

/* Plays one FRAME. 1 when its packet went through the rules, 0 when it passed, -ENOMEM. */
int player_play(struct player *player, const struct frame *frame);

/* Frees what it owns. */
void player_clear(struct player *player);

#endif
