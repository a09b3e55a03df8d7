/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the service manager is told: sd_notify(3) and its watchdog.
 *
 * Does nothing when no manager listens. Built without libsystemd, the calls are empty and the unit
 * must not be Type=notify.
 */
#ifndef IPMODD_DAEMON_NOTIFY_H
#define IPMODD_DAEMON_NOTIFY_H

#include "build_config.h"

#include <stdint.h>

#if HAVE_LIBSYSTEMD

/* READY=1 with STATUS; also the answer to every reload, whether it was taken or refused. */
void notify_ready(const char *status);
void notify_status(const char *status);
void notify_reloading(void);
void notify_stopping(void);
void notify_watchdog(void);

/* Microseconds within which the manager wants to hear from us; 0: no watchdog. */
uint64_t notify_watchdog_usec(void);

#else

static inline void notify_ready(const char *status)
{
    (void)status;
}

static inline void notify_status(const char *status)
{
    (void)status;
}

static inline void notify_reloading(void)
{
}

static inline void notify_stopping(void)
{
}

static inline void notify_watchdog(void)
{
}

static inline uint64_t notify_watchdog_usec(void)
{
    return 0;
}

#endif
#endif
