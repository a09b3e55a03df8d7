/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Batch: what the datapath alone does with a batch (path.h has the rest). */
#ifndef IPMODD_DATAPATH_BATCH_H
#define IPMODD_DATAPATH_BATCH_H

#include "ipmodd/datapath/path.h"

/*
 * A packet without bytes for an answer, with a buffer of its own. Every packet of the batch may
 * have one answer, so there is always room.
 */
struct packet *batch_add_answer(struct batch *batch);

#endif
