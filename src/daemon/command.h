/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands that are over at once: they read the configuration, print or sweep, and leave.
 * What they have to say of the configuration goes to stderr as plain lines.
 */
#ifndef IPMODD_DAEMON_COMMAND_H
#define IPMODD_DAEMON_COMMAND_H

#include "exit_code.h"

/* FILE as with -c, or NULL for the search path. */
enum exit_code command_check(const char *file);
enum exit_code command_print_plan(const char *file);
enum exit_code command_dump_config(const char *file);
enum exit_code command_cleanup(const char *file);

#endif
