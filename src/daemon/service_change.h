/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is changed over the control socket; the log says by whom. Who asks for a reload or a way
 * back waits until that is over, and several may wait for one.
 */
#ifndef IPMODD_DAEMON_SERVICE_CHANGE_H
#define IPMODD_DAEMON_SERVICE_CHANGE_H

#include "service.h"

/* For struct control_daemon; CONTEXT: the struct service. */
void service_reset_rules(void *context, const struct control_client *client);
void service_flush_flows(void *context, const struct control_client *client,
                         struct control_flows *flows);
void service_enable_rule(void *context, const struct control_client *client, size_t number,
                         bool enabled);
void service_reload(void *context, uint64_t number, unsigned confirm_seconds);
void service_roll_back(void *context, uint64_t number);
int service_confirm(void *context, const struct control_client *client);

/* For struct reload: one is over; REFUSAL: why nothing changed, or NULL. */
void service_reloaded(void *context, const char *refusal);

#endif
