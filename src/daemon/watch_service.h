/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those who watch packets over the control socket. */
#ifndef IPMODD_DAEMON_WATCH_SERVICE_H
#define IPMODD_DAEMON_WATCH_SERVICE_H

#include "ipmodd/control/commands.h"

/*
 * Answers CLIENT by a stream of what WISH asks for, whose filter it takes over, or by a refusal.
 * CONTEXT: the struct service. For struct control_daemon.
 */
void watch_service_answer(void *context, struct control_client *client,
                          const struct watch_wish *wish);

#endif
