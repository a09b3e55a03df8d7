/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: what is in force at the moment, and what keeps packets flowing through it.
 *
 * It owns the loaded configuration, the diversion and the packet path that borrows from both. The
 * loop (loop.h) calls it when a descriptor or timer asks for it; reload.h exchanges parts of it
 * between two batches. Nothing in here knows of libevent.
 */
#ifndef IPMODD_DAEMON_ENGINE_H
#define IPMODD_DAEMON_ENGINE_H

#include "clock.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/kernel/divert.h"
#include "ipmodd/rules/load.h"
#include "remarks.h"
#include "report.h"

struct engine {
    const char *file; /* of -c, borrowed; NULL: the search path */
    struct loaded loaded;
    struct divert *divert;
    struct path *path;
    struct batch *batch;
    struct zone zone;
    struct reporter reporter;
    struct remarks told; /* what the log has said of the host */
};

/*
 * Takes over LOADED (left empty, also on failure) and diverts packets from here on. 0, or what
 * divert_start() returns; nothing is left behind then and divert_error_text(NULL) says why.
 */
int engine_start(struct engine *engine, const char *file, struct loaded *loaded);

/* Gives the traffic back and frees everything; safe from any state. 0 or the first -errno. */
int engine_stop(struct engine *engine);

/*
 * Moves packets through the rules until the device has no more or a budget is used up, so that the
 * caller can look after its other events; what the rules want logged is written. 0 when the device
 * has no more, 1 when the budget was used up, or the -errno of a tun descriptor that is not to be
 * read until the diversion has looked at it.
 */
int engine_move_packets(struct engine *engine);

/* Writes to the log what the last look around the host found that was not told yet. */
void engine_tell_remarks(struct engine *engine);

/* "Diverting out, forward through tun0, 3 rules", for `systemctl status`. Returns TEXT. */
const char *engine_describe(const struct engine *engine, char *text, size_t size);

#endif
