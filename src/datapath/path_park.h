/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Path park: into the fragment park and out of it again (fragment_park.h), with the books kept. */
#ifndef IPMODD_DATAPATH_PATH_PARK_H
#define IPMODD_DATAPATH_PATH_PARK_H

#include "path_state.h"

/* Finds out what PACKET is; what is wrong with it stands in its reason until its fate is decided.
 */
void path_understand(struct packet *packet);

/* Whether what becomes of PACKET, an orphan, depends on its first fragment. */
bool path_waits(struct path *path, const struct packet *packet);

/* PACKET waits; without room, or when it has waited already, it is dropped. */
void path_park(struct path *path, struct packet *packet);

/* The next that waited for KEY's datagram, understood, to go on; NULL: none is left. */
struct packet *path_unpark(struct path *path, const struct fragment_key *key);

/* Drops those that have had their time. */
void path_park_expire(struct path *path);

#endif
