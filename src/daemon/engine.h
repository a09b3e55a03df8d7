/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: what is in force at the moment, and the threads that keep packets flowing through it.
 *
 * It owns the loaded configuration, the diversion, and a worker (worker.h) for each queue of the
 * tun device, whose packet paths borrow from both. Everything here is for the main thread, which
 * moves no packet itself: packets wait neither for netlink nor for the log. Nothing in here knows
 * of libevent.
 */
#ifndef IPMODD_DAEMON_ENGINE_H
#define IPMODD_DAEMON_ENGINE_H

#include "capturing.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/kernel/divert.h"
#include "ipmodd/rules/load.h"
#include "loader.h"
#include "remarks.h"
#include "report.h"
#include "watching.h"
#include "worker.h"

struct engine {
    const char *file; /* of -c, borrowed; NULL: the search path */
    struct loaded loaded;
    struct divert *divert;
    struct host_view *view; /* that the paths work with; shared with the diversion */
    struct worker *workers[QUEUES_MAX];
    unsigned worker_count;
    int bells[QUEUES_MAX]; /* of the workers */
    struct shards *shards; /* of their paths; NULL with one worker */
    int notice_fd;         /* an eventfd that is written with each new notice */
    struct loader loader;
    struct reporter reporter;
    struct capturing capturing;
    struct watching watching;
    struct remarks told; /* what the log has said of the host */
};

/*
 * Takes over LOADED (left empty, also on failure) and diverts packets from here on; they wait in
 * their queues. 0, or what divert_start() returns; nothing is left behind then and
 * divert_error_text(NULL) says why.
 */
int engine_start(struct engine *engine, const char *file, struct loaded *loaded);

/*
 * Starts the threads, which have the privileges that the caller has now. 0, or -errno: the engine
 * is to be stopped then.
 */
int engine_run(struct engine *engine);

/* Gives the traffic back and frees everything; safe from any state. 0 or the first -errno. */
int engine_stop(struct engine *engine);

/* In nanoseconds, the pause between packets that is better spent awake, as configured. */
uint64_t engine_busy_poll_ns(const struct engine *engine);

/* Random numbers of all paths begin at the seed of the configuration, or somewhere. 0 or -EIO. */
int engine_seed(struct engine *engine);

/* Has all paths merge as configured, but nothing that the kernel could not take apart. */
void engine_choose_merge(struct engine *engine);

/* Has all paths work with the diversion's present view of the host. */
void engine_publish_view(struct engine *engine);

/*
 * Takes over FRESH, and puts it in force in all paths by exchanging RULES, one for each path, which
 * were made for it. The diversion has been reloaded with it. What was in force before is handed
 * out.
 */
void engine_publish_rules(struct engine *engine, struct loaded *fresh,
                          struct path_rules *const *rules, struct loaded *ret_old);

/* Those of NOTICES that any worker has; they are taken. */
unsigned engine_take_notices(struct engine *engine, unsigned notices);

/* The counters of all paths together. */
void engine_count(struct engine *engine, struct path_counters *ret_sum);

/* How many super-packets of each class the device has refused, on all queues. */
void engine_count_refused(struct engine *engine, uint64_t ret_refused[OFFLOAD_CLASS_COUNT]);

/* Removes flows that have had their time, some thousand, where no packet comes that would. */
void engine_sweep_flows(struct engine *engine);

/* Lets all rules count from nothing. */
void engine_reset_rules(struct engine *engine);

/* Has rule number RULE passed over from now on, or no longer. */
void engine_enable_rule(struct engine *engine, size_t rule, bool enabled);

/* Writes what rules want logged, and how much of it was lost. */
void engine_report(struct engine *engine);

/* After NOTICE_REFUSED: a class whose super-packets the kernel keeps refusing is given up. */
void engine_judge_offloads(struct engine *engine);

/* All queues are read, if not all are. */
void engine_resume(struct engine *engine);

/* Returns when every worker has given a sign of life. */
void engine_beat(struct engine *engine);

/* Calls FUNCTION on the thread of every worker, one after the other. */
void engine_call(struct engine *engine, void (*function)(struct mover *mover, void *argument),
                 void *argument);

/* Writes to the log what the last look around the host found that was not told yet. */
void engine_tell_remarks(struct engine *engine);

/* "Diverting out, forward through tun0, 3 rules", for `systemctl status`. Returns TEXT. */
const char *engine_describe(const struct engine *engine, char *text, size_t size);

#endif
