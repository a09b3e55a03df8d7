/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loader: reads and compiles a configuration on a thread of its own.
 *
 * A large one takes seconds. Meanwhile the main thread follows routing, signals and the watchdog.
 * The loader makes everything that a reload needs memory or time for; what is in force it only
 * reads. It neither logs nor decides.
 */
#ifndef IPMODD_DAEMON_LOADER_H
#define IPMODD_DAEMON_LOADER_H

#include "ipmodd/datapath/path.h"
#include "ipmodd/rules/given.h"

#include <pthread.h>

/* What to load, all of it borrowed until loader_end() but what is given. */
struct loader_task {
    const char *file;                /* as load_configuration() */
    const struct given *given_texts; /* of these instead, unless NULL */
    struct loaded given;             /* with a config: that one instead, the loader's from now on */
    const struct ruleset *present;   /* that is in force */
    unsigned paths;                  /* that will exchange it */
};

struct loader {
    pthread_t thread;
    bool running;
    atomic_bool cancelled; /* what is running is to be given up */
    int done_fd;           /* readable when loader_end() will not wait */
    struct loader_task task;

    /* What came of it, after loader_end(); the caller's to take and to clear. */
    int error; /* of load_configuration() */
    struct problems problems;
    struct loaded loaded;
    struct path_rules *rules[QUEUES_MAX]; /* one for each path */
};

/* 0 or -errno. */
int loader_open(struct loader *loader);

/* Begins TASK; none may be running. 0, or -errno with what was given still the caller's. */
int loader_begin(struct loader *loader, const struct loader_task *task);

/* Has what is running end soon, with -ECANCELED. */
void loader_cancel(struct loader *loader);

/* Waits for the end. */
void loader_end(struct loader *loader);

/* Frees what is left of the outcome. */
void loader_clear(struct loader *loader);

/* Gives up what is running, for good, and frees everything. */
void loader_close(struct loader *loader);

#endif
