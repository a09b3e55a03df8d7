/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checking: a configuration that somebody sent is loaded, judged, and thrown away.
 *
 * It has a loader of its own, so packets, the main thread and reloads go on; one check at a time,
 * and none begins while a reload loads, because both want a processor. What is sent is all there
 * is: no file is opened. It is given up when who asked has gone, when it takes too long, and at the
 * stop.
 */
#ifndef IPMODD_DAEMON_CHECKING_H
#define IPMODD_DAEMON_CHECKING_H

#include "engine.h"
#include "ipmodd/control/commands.h"

#include <event2/event.h>

struct checking {
    struct engine *engine;
    struct loader loader;
    struct given given;            /* that is being loaded */
    struct control_client *client; /* who waits; NULL: nobody any more */
    struct event *done, *deadline;
};

/* 0 or -errno. Close it also after a failure. */
int checking_open(struct checking *checking, struct engine *engine);

/* Goes on from BASE's loop. 0 or -ENOMEM. */
int checking_serve(struct checking *checking, struct event_base *base);

/* Answers CLIENT, now or later, about GIVEN, which it takes over and empties. */
void checking_start(struct checking *checking, struct control_client *client, struct given *given);

/* Nobody is served any more; before BASE is freed. Safe from any state, as the next. */
void checking_stop(struct checking *checking);
void checking_close(struct checking *checking);

#endif
