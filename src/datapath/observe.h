/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observe: counters and events of what happens on the path. Looks on, changes no packet.
 */
#ifndef IPMODD_DATAPATH_OBSERVE_H
#define IPMODD_DATAPATH_OBSERVE_H

#include "path_state.h"

/* It was read. */
void count_arrival(struct path *path, const struct packet *packet);

/* Its bytes are as they came. */
void observe_receipt(struct path *path, const struct packet *packet);

/* It is understood as far as it will be, and no rule has acted on it. */
void observe_arrival(struct path *path, const struct packet *packet, enum reason fault);

/* Rule number RULE matches, before it acts. */
void observe_match(struct path *path, size_t rule, const struct packet *packet);

/* The rule has acted: an event if it logs and its limit allows. */
void observe_outcome(struct path *path, size_t rule, const struct packet *packet);

/* SEGMENT of the super-packet PACKET goes on in its place. */
void observe_segment(struct path *path, const struct packet *packet, const struct packet *segment);

/* What the batch has of answers that were not spoken of yet. */
void observe_answers(struct path *path);

/* Its flow has translated it behind the rules. */
void observe_translation(struct path *path, const struct packet *packet);

/* The fate is decided. */
void observe_fate(struct path *path, const struct packet *packet);

/* The invariant of path.h. */
bool observe_is_balanced(const struct path *path);

#endif
