/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells the user what is wrong with a configuration, in the log or on a terminal. */
#ifndef IPMODD_DAEMON_COMPLAINT_H
#define IPMODD_DAEMON_COMPLAINT_H

#include "ipmodd/base/problem.h"

/* Every problem as an entry with CONFIG_FILE and CONFIG_LINE. */
void complaint_log(const struct problems *problems);

/* The first error as text for a status line; returns TEXT. */
const char *complaint_first(const struct problems *problems, char *text, size_t size);

#endif
