/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: the only place of the daemon that knows libevent.
 *
 * Signals, timers, the watchdog and the netlink monitor have precedence over packets, and a wake-up
 * for packets ends with its budget, so none of them waits long under load. A tun descriptor that
 * went bad would be readable for ever: it is not polled until the diversion has restored it.
 */
#ifndef IPMODD_DAEMON_LOOP_H
#define IPMODD_DAEMON_LOOP_H

#include "engine.h"

#include <signal.h>

/*
 * Serves ENGINE until SIGTERM or SIGINT. The signals of loop_signals() must be blocked when it is
 * called; they are served from here on and blocked again when it returns. 0, or -ENOMEM.
 */
int loop_run(struct engine *engine);

/* What the loop serves. */
sigset_t loop_signals(void);

#endif
