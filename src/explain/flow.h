/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a packet is to the flows of its path, in words. */
#ifndef IPMODD_EXPLAIN_FLOW_H
#define IPMODD_EXPLAIN_FLOW_H

#include "ipmodd/explain/explain.h"

/* Fills TOLD, which is empty, for PACKET, whose fate is decided. 0 or -ENOMEM. */
int explained_flow_find(struct explained_flow *told, struct path *path,
                        const struct packet *packet);

/* Frees and empties; safe on zeroed ones. */
void explained_flow_clear(struct explained_flow *told);

#endif
