/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon built without libsystemd: no service manager to talk to. */
#include "notify.h"

void notify_ready(const char *status)
{
    (void)status;
}

void notify_status(const char *status)
{
    (void)status;
}

void notify_reloading(void)
{
}

void notify_stopping(void)
{
}

void notify_watchdog(void)
{
}

uint64_t notify_watchdog_usec(void)
{
    return 0;
}

int notify_passed_socket(void)
{
    return -1;
}
