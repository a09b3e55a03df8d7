/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mover: a packet path with the batch and the queue of the tun device that belong to it.
 *
 * All that one thread needs to move packets, and nothing that another one has: queue, path, batch,
 * counters, events. Used by one thread at a time; it knows nothing of threads or event loops.
 */
#ifndef IPMODD_DAEMON_MOVER_H
#define IPMODD_DAEMON_MOVER_H

#include "clock.h"
#include "ipmodd/base/histogram.h"
#include "ipmodd/capture/captures.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/watch/tap.h"

struct mover {
    struct path *path; /* owned, as the batch */
    struct batch *batch;
    struct zone zone;
    struct histogram wakeups;  /* from the first packet's being read until the last was written */
    uint64_t batch_ns;         /* when the last batch with packets had been read */
    uint64_t end_ns;           /* when its last packet had been written */
    uint64_t bulk_ns;          /* when the last batch had been read that was full of bytes */
    uint64_t pause_ns;         /* from the last packet of one wake-up to the first of the next */
    uint64_t busy_poll_ns;     /* for its caller: a pause that is better spent awake */
    size_t pace;               /* packets of a batch, so that it takes no longer than it may */
    int tun_fd;                /* borrowed, as the captures */
    const int *bells;          /* of all movers of shards, to be rung for what was handed over to
                                  them; NULL: there are no others */
    struct captures *captures; /* that empty the path's ring; NULL: nobody does */
    struct tap *tap;           /* of those who watch; borrowed; NULL: nobody does */
};

/* With RULESET and VIEW as path_new(). 0 or -ENOMEM with nothing made. */
int mover_init(struct mover *mover, int tun_fd, const struct ruleset *ruleset,
               const struct host_view *view);

/* Safe on a zeroed one. */
void mover_clear(struct mover *mover);

/*
 * Moves packets through the rules until the queue has no more or a budget is used up, so that the
 * caller can look after its other events: some 2 ms at most, as long as packets cost about what
 * those before them did. 0 when the queue has no more, 1 when the budget was used up, or the -errno
 * of a tun descriptor that is not to be read until the diversion has looked at it.
 */
int mover_move(struct mover *mover);

/* Gives up what has waited for too long; at path_expires_ns(), if no packet has come. */
void mover_expire(struct mover *mover);

/* Moves what the queue and other movers have for it at a stop, however much that is. */
void mover_drain(struct mover *mover);

#endif
