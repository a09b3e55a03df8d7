/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Worker: a thread that moves the packets of one queue.
 *
 * It has an event base of its own and shares nothing with other workers but, where flows are
 * followed, what shards.h says. Otherwise it takes no lock on the packet path and reads no variable
 * that another thread writes: what the main thread wants
 * (another ruleset, the counters, a sign of life) it asks by a call, a function that the worker
 * runs between two wake-ups for packets. When a call has returned, the worker has passed to what
 * it brought and holds nothing of before, so that the old can be freed: that is the whole
 * reclamation. A call goes before packets, so it waits for one budget of them at most.
 *
 * Where packets come one soon behind the other it does not sleep in between, but looks for the next
 * one until a pause has become too long for that (`busy-poll`): no more than a sleep and its end
 * would cost, so a wrong guess at most doubles what waiting takes. It is the rule of competitive
 * spinning (Karlin, Li, Manasse and Owicki, 1991), with one bit of memory.
 *
 * What a worker wants the main thread to know are notices: bits, told of by an eventfd that all
 * workers share.
 *
 * Without a thread (before the start, after the stop, in tests) a call is a function call.
 */
#ifndef IPMODD_DAEMON_WORKER_H
#define IPMODD_DAEMON_WORKER_H

#include "mover.h"

struct worker;

enum {
    NOTICE_PACKETS = 1u << 0,    /* packets came since this was taken last */
    NOTICE_EVENTS = 1u << 1,     /* the path's ring has some */
    NOTICE_REFUSED = 1u << 2,    /* the device refused super-packets */
    NOTICE_TUN_DEAD = 1u << 3,   /* its queue is not read until worker_resume() */
    NOTICE_LONG_QUEUE = 1u << 4, /* a budget was used up since this was taken last */
    NOTICE_WATCH = 1u << 5,      /* the tap's ring has some */
    NOTICES_URGENT = NOTICE_EVENTS | NOTICE_REFUSED | NOTICE_TUN_DEAD | NOTICE_WATCH,
    NOTICES_FOR_LOOKS = NOTICE_PACKETS | NOTICE_LONG_QUEUE, /* told once, until they are taken */
};

/*
 * A worker without a thread, number NUMBER, around MOVER, which it takes over (also on failure).
 * NOTICE_FD is borrowed. 0 or -errno.
 */
int worker_new(unsigned number, struct mover *mover, int notice_fd, struct worker **ret_worker);

/* Packets are moved from here on. 0 or -errno. */
int worker_start(struct worker *worker);

/* Runs FUNCTION on the worker's thread and returns when it has. Main thread only. */
void worker_call(struct worker *worker, void (*function)(struct mover *mover, void *argument),
                 void *argument);

/* Reads the queue again after NOTICE_TUN_DEAD. */
void worker_resume(struct worker *worker);

/* Those of NOTICES that there are; they are taken. */
unsigned worker_take_notices(struct worker *worker, unsigned notices);

/*
 * What wakes WORKER for packets that others have handed over to it; and, before the start, those of
 * all workers by their numbers (borrowed), where it may have packets for them.
 */
int worker_bell(const struct worker *worker);
void worker_follow_bells(struct worker *worker, const int *bells);

/* To be drained by the main thread. */
struct event_ring *worker_events(struct worker *worker);

/* For who looks on (path_set_observer()); it is the worker's all the same. */
struct path *worker_path(struct worker *worker);

/* Has what is in the queue moved, and the thread ended after that. Does not wait. */
void worker_leave(struct worker *worker);
/* Waits for that end. */
void worker_join(struct worker *worker);

/* The thread, if there was one, has been joined. NULL is allowed. */
void worker_free(struct worker *worker);

#endif
