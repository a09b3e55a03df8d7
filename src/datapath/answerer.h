/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answerer: what making answers takes, and its two halves: whether one may be made
 * (answer_allowed.c) and its bytes (answer_build.c). answer.c puts them together.
 *
 * An answer speaks about the packet as it is when its rule answers, the edits of earlier rules and
 * of earlier actions included, with true checksums: the books are closed first, and what is quoted
 * has a complete checksum. It is never about a super-packet: those are split before.
 */
#ifndef IPMODD_DATAPATH_ANSWERER_H
#define IPMODD_DATAPATH_ANSWERER_H

#include "ipmodd/base/bucket.h"
#include "ipmodd/base/host_view.h"
#include "ipmodd/datapath/answer.h"

struct batch;

enum {
    ANSWER_RATE = 1000, /* rejections a second; path.h has how many at once */
    ANSWER_TTL = 64,
};

struct answerer {
    const struct host_view *view; /* borrowed, as the batch */
    struct batch *batch;          /* that is being worked on */
    uint64_t now_ns;              /* of that batch */
    struct bucket bucket;
};

/*
 * May be answered at all: source and destination are each a single host, the source can be reached
 * from here, and no checksum is wrong. The rules common to every kind of answer.
 */
bool answer_allowed(const struct host_view *view, const struct packet *asked);

/* What a kind of answer needs besides. */
bool answer_allowed_error(const struct packet *asked);
bool answer_allowed_reset(const struct packet *asked);
bool answer_allowed_echo(const struct packet *asked);

/* Fill ANSWER, a packet without bytes; ASKED is one that the functions above allowed. */
void answer_build_reset(struct packet *answer, const struct packet *asked);
void answer_build_echo(struct packet *answer, const struct packet *asked);
void answer_build_error(struct packet *answer, const struct packet *asked, uint8_t code);

#endif
