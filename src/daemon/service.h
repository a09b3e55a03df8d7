/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Service: the daemon's side of the control socket.
 *
 * Answers what control/ asks (how the engine is) and does what it wants done. The socket is made
 * before privileges are given up and served by the main thread, which moves no packet.
 */
#ifndef IPMODD_DAEMON_SERVICE_H
#define IPMODD_DAEMON_SERVICE_H

#include "checking.h"
#include "exporting.h"
#include "ipmodd/control/commands.h"
#include "pinging.h"
#include "reload.h"

struct service {
    struct engine *engine;
    struct reload *reload;
    struct pinging *pinging;
    struct checking checking;
    char *file;     /* that the daemon was told to read, from the root on; NULL: it searches */
    int fd;         /* that listens, until it is served; -1: none */
    char path[108]; /* to be removed at the end; "": the socket is not ours */
    struct control_server *server;
    struct control_daemon daemon;
    struct exporting exporting;
    uint64_t started_ns;
    time_t started, loaded_at;
    uint64_t reloads[RELOAD_RESULT_COUNT];
    bool last_reload_refused;
    uint64_t *waiting; /* numbers of clients that wait for a reload */
    size_t waiting_count;
    size_t waiting_now;  /* how many of them, from the first on, for the one under way */
    uint64_t sampled_ns; /* when `sample` was taken; 0: never */
    struct path_counters sample;
    struct control_rates rates;
};

/*
 * Listens where ENGINE's configuration says, for control also at the socket that the service
 * manager passed. 0, also without a socket where none can be had and none was asked for by name
 * (which is logged), or -errno (logged).
 */
int service_open(struct service *service, struct engine *engine);

/* Serves clients from BASE's loop on. Reloads go through RELOAD. 0 or -ENOMEM. */
int service_start(struct service *service, struct event_base *base, struct reload *reload);

/* Hangs up on all clients. */
void service_stop(struct service *service);

/* Removes the socket. Safe from any state. */
void service_close(struct service *service);

/* COUNTERS as they are now, about once a second while packets come. */
void service_sample(struct service *service, const struct path_counters *counters, uint64_t now_ns);

#endif
