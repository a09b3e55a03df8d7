/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the daemon is, for who asks over the control socket. */
#ifndef IPMODD_DAEMON_SERVICE_REPORT_H
#define IPMODD_DAEMON_SERVICE_REPORT_H

#include "service.h"

/* For struct control_daemon; CONTEXT: the struct service. */
int service_report(void *context, struct control_report *ret_report);

#endif
