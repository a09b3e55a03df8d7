/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completes what a client wishes to ping, or refuses it. */
#ifndef IPMODD_DAEMON_PING_WISH_H
#define IPMODD_DAEMON_PING_WISH_H

#include "engine.h"
#include "ipmodd/control/commands.h"

/*
 * True when an answer to WISH would come back to ENGINE's tun device: its source is filled in if
 * none is named. CLIENT has been refused otherwise, with what would be right.
 */
bool ping_complete(const struct engine *engine, struct control_client *client,
                   struct control_ping *wish);

#endif
