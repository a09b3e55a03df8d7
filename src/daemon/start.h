/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's life from the first line of configuration to the last rule taken back. */
#ifndef IPMODD_DAEMON_START_H
#define IPMODD_DAEMON_START_H

#include "exit_code.h"

/* FILE as with -c, or NULL. Stays in the foreground until SIGTERM or SIGINT. */
enum exit_code daemon_run(const char *file);

#endif
