/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ping ears: how what comes to the tun device's own prefix gets from the threads of the packets,
 * which neither wait nor allocate for it, to the main thread. Each thread has a ring of its own;
 * what finds no room is lost, as on the wire.
 */
#ifndef IPMODD_DAEMON_PING_EARS_H
#define IPMODD_DAEMON_PING_EARS_H

#include "engine.h"
#include "ipmodd/datapath/record_ring.h"

enum { PING_ANSWER_BYTES = 160 }; /* an error's headers, and those of its quote */

/* The first bytes of what could be an answer. */
struct ping_answer {
    struct record record;
    uint64_t at_ns; /* when its batch was read; monotonic */
    size_t length;
    uint8_t bytes[PING_ANSWER_BYTES];
};

struct ping_ear {
    struct own_prefix_listener listener;
    struct record_ring ring;
    const struct path *path; /* of the thread */
    int wake_fd;
};

struct ping_ears {
    struct engine *engine; /* borrowed */
    int wake_fd;           /* an eventfd: readable when there is something to take; borrowed */
    struct ping_ear ears[QUEUES_MAX];
};

/* Begins to listen, with `engine` and `wake_fd` set. 0, or -ENOMEM with nothing open. */
int ping_ears_open(struct ping_ears *ears);

/* Nobody listens any more; what was not taken is gone. */
void ping_ears_close(struct ping_ears *ears);

/* The next answer, valid until the next call; NULL without one. */
const struct ping_answer *ping_ears_take(struct ping_ears *ears);

#endif
