/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flow list: the flows of all queues, a part at a time, so that no packet waits long for it. */
#ifndef IPMODD_DAEMON_FLOW_LIST_H
#define IPMODD_DAEMON_FLOW_LIST_H

#include "engine.h"
#include "ipmodd/control/commands.h"

/* The part of ENGINE's flows that FLOWS says. */
void flow_list_get(struct engine *engine, struct control_flows *flows);

/* Forgets those of the part of ENGINE's flows that FLOWS says; `count`: how many those were. */
void flow_list_flush(struct engine *engine, struct control_flows *flows);

#endif
