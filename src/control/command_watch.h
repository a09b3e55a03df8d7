/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that answer with a stream of live packets or flows. */
#ifndef IPMODD_CONTROL_COMMAND_WATCH_H
#define IPMODD_CONTROL_COMMAND_WATCH_H

#include "ipmodd/control/server.h"

#define WATCH_ARGUMENTS       "[--sample N] [--snaplen N] [--stage in,out,drop] [KEY=VALUE]..."
#define WATCH_FLOWS_ARGUMENTS "[--event new,update,end] [KEY=VALUE]..."
#define TRACE_ARGUMENTS       "[--count N] [KEY=VALUE]..."

void command_run_monitor(const struct control_call *call);
void command_run_monitor_flows(const struct control_call *call);
void command_run_trace(const struct control_call *call);

#endif
