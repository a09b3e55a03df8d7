/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observe: counters and events of what happens on the path. Looks on, changes no packet.
 */
#ifndef IPMODD_DATAPATH_OBSERVE_H
#define IPMODD_DATAPATH_OBSERVE_H

#include "path_state.h"

/* As it was read, and as far as parse and offload understood it. */
void observe_arrival(struct path *path, const struct packet *packet, enum reason fault);

/* Rule number RULE matches, before it acts. */
void observe_match(struct path *path, size_t rule, const struct packet *packet);

/* The rule has acted: an event if it logs and its limit allows. */
void observe_outcome(struct path *path, size_t rule, const struct packet *packet);

/* A super-packet gave way to its segments, each of which will have a fate. */
void observe_split(struct path *path);

/* The fate is decided. */
void observe_fate(struct path *path, const struct packet *packet);
void observe_answer(struct path *path, const struct packet *answer);

/* The invariant of path.h. */
bool observe_is_balanced(const struct path *path);

#endif
