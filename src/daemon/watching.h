/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watching: live packets, and what becomes of flows, on their way from the workers to those who
 * watch.
 *
 * While there is a watcher, each path has a tap (tap.h); the main thread drains their rings, some
 * records at a time, and hands each record to whom it is for. Without a watcher there is no tap,
 * and a path knows of nobody. Who the watchers are and how they are told is the sink's business.
 *
 * Main thread only. Rules in records live until watching_drain() has returned false.
 */
#ifndef IPMODD_DAEMON_WATCHING_H
#define IPMODD_DAEMON_WATCHING_H

#include "ipmodd/watch/tap.h"
#include "worker.h"

/* How watchers are told; READER is what watching_add() was given. */
struct watching_sink {
    /* RECORD is for READER, whose wish is WISH. */
    void (*tell)(void *reader, const struct watch_record *record, const struct watch_wish *wish);
    /* COUNT records found no room on their way. */
    void (*lose)(void *reader, uint64_t count);
    /* As many packets as WISH's limit were told: nothing will come any more. */
    void (*done)(void *reader);
};

struct watcher;

struct watching {
    const struct watching_sink *sink;
    struct worker *const *workers; /* borrowed while there are taps */
    struct tap *taps[QUEUES_MAX];
    unsigned tap_count;
    struct watcher *watchers[WATCHES_MAX];
};

/*
 * READER is told from here on what WISH asks for of the COUNT WORKERS. The filter of WISH is taken
 * over, also on failure. 0; -EBUSY with too many watchers; -ENOMEM.
 */
int watching_add(struct watching *watching, struct worker *const *workers, unsigned count,
                 const struct watch_wish *wish, void *reader, struct watcher **ret_watcher);

/* WATCHER's reader is not told anything any more. */
void watching_remove(struct watching *watching, struct watcher *watcher);

/* Hands out MOST records at most. True when there are more. */
bool watching_drain(struct watching *watching, size_t most);

/* Whether anybody watches flows: watching_sweep() is then to be called now and then. */
bool watching_has_flows(const struct watching *watching);

/*
 * Has the ends of flows come also where no packets do: looks for some flows that have had their
 * time, as each packet does otherwise, and hands out what there is to tell.
 */
void watching_sweep(struct watching *watching);

#endif
