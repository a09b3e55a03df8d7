/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the service manager is told: sd_notify(3) and its watchdog.
 *
 * Does nothing when no manager listens. Built without libsystemd (notify_absent.c) nobody is told,
 * and no unit is installed that would wait for it.
 */
#ifndef IPMODD_DAEMON_NOTIFY_H
#define IPMODD_DAEMON_NOTIFY_H

#include <stdint.h>

/* READY=1 with STATUS; also the answer to every reload, whether it was taken or refused. */
void notify_ready(const char *status);
void notify_status(const char *status);
void notify_reloading(void);
void notify_stopping(void);
void notify_watchdog(void);

/*
 * The listening socket that the manager passed (systemd.socket(5)), the caller's from now on; -1
 * without one.
 */
int notify_passed_socket(void);

/* Microseconds within which the manager wants to hear from us; 0: no watchdog. */
uint64_t notify_watchdog_usec(void);

#endif
