/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counters as log entries: totals, each rule in order, each reason that dropped a packet. */
#ifndef IPMODD_DAEMON_STATISTICS_H
#define IPMODD_DAEMON_STATISTICS_H

#include "engine.h"

void statistics_log(struct engine *engine);

#endif
