/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requester: who asked for a change, so that the log can say it.
 *
 * A client of the control socket is known by the user and process that connected; the process may
 * be gone by the time that the change is made. Behind a signal or a deadline nobody is known.
 */
#ifndef IPMODD_DAEMON_REQUESTER_H
#define IPMODD_DAEMON_REQUESTER_H

#include "ipmodd/control/server.h"
#include "ipmodd/log/fields.h"

struct requester {
    bool is_known;
    struct control_peer peer; /* with is_known */
};

/* IPMODD_CLIENT_UID and IPMODD_CLIENT_PID, if they are known. */
void requester_add_fields(const struct requester *requester, struct log_fields *fields);

/* ", asked for by user 0 (process 812)", to end a line with; "" of nobody. Returns TEXT. */
enum { REQUESTER_TEXT = 64 };
const char *requester_text(const struct requester *requester, char text[static REQUESTER_TEXT]);

#endif
