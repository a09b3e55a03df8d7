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

/*
 * Serves ENGINE until SIGTERM or SIGINT. The signals of loop_signals() must be blocked when it is
 * called; they are served from here on and blocked again when it returns. 0, -ENOMEM before it
 * has begun, or -EIO when the kernel would not wait any more.
 */
int loop_run(struct engine *engine, struct service *service);

/* What the loop serves. */
sigset_t loop_signals(void);

#endif
