/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the log says of configurations that come and go: each entry with fields that tell which. */
#ifndef IPMODD_DAEMON_RELOAD_LOG_H
#define IPMODD_DAEMON_RELOAD_LOG_H

#include "reload.h"

/* What was under way is in force. */
void reload_log_done(const struct reload *reload);

/* It is not, for the reason TEXT. */
void reload_log_refused(const struct reload *reload, const char *text);

/* By BY. */
void reload_log_confirmed(const struct reload *reload, const struct requester *by);

/* The time is over. */
void reload_log_overdue(const struct reload *reload);

/* The process stops before that. */
void reload_log_stopping(const struct reload *reload);

#endif
