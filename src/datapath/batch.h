/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batch: what the datapath alone does with a batch (path.h has the rest).
 *
 * All packets of a batch, answers and segments included, have VNET_HEADER bytes of room in front of
 * their first byte, so that header and packet are one run of bytes to read(2) and write(2).
 */
#ifndef IPMODD_DATAPATH_BATCH_H
#define IPMODD_DATAPATH_BATCH_H

#include "ipmodd/datapath/path.h"

/*
 * A packet without bytes for an answer, with a buffer of its own. There is always room: see
 * BATCH_ANSWERS.
 */
struct packet *batch_add_answer(struct batch *batch);

/* The answer that was added last is not to be. */
void batch_take_back_answer(struct batch *batch);

/*
 * A packet like PACKET, a super-packet of BATCH, with a buffer of CAPACITY bytes of its own for one
 * of its segments. There is always room, as long as every packet is split at most once.
 */
struct packet *batch_add_segment(struct batch *batch, const struct packet *packet, size_t capacity);

#endif
