/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command that has a configuration looked at. */
#ifndef IPMODD_CONTROL_COMMAND_CHECK_H
#define IPMODD_CONTROL_COMMAND_CHECK_H

#include "ipmodd/control/server.h"

#define CHECK_ARGUMENTS "KIND NAME TEXT [KIND NAME TEXT]…"

void command_run_check(const struct control_call *call);

#endif
