/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop of the main thread: signals, timers, the watchdog, the netlink monitor, and what
 * the workers want known. Packets have loops of their own (worker.h).
 *
 * A tun descriptor that went bad would be readable for ever: its worker does not poll it until the
 * diversion has restored the device and the loop says so. The watchdog is fed when every worker has
 * answered.
 */
#ifndef IPMODD_DAEMON_LOOP_H
#define IPMODD_DAEMON_LOOP_H

#include "engine.h"
#include "service.h"

#include <signal.h>

struct loop;

/* A loop that serves ENGINE and SERVICE, both borrowed, once it runs. 0 or -errno. */
int loop_new(struct engine *engine, struct service *service, struct loop **ret_loop);

/*
 * Serves until SIGTERM or SIGINT. The signals of loop_signals() must be blocked when it is called;
 * they are served from here on and blocked again when it returns. 0, or -EIO when the kernel would
 * not wait any more.
 */
int loop_run(struct loop *loop);

/* The service is stopped with it. */
void loop_free(struct loop *loop);

/* What the loop serves. */
sigset_t loop_signals(void);

#endif
