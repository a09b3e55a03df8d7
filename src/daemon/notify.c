/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells systemd how the daemon is; compiled with libsystemd alone. */
#include "notify.h"

#include "ipmodd/base/clock.h"

#include <inttypes.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

void notify_ready(const char *status)
{
    sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void notify_status(const char *status)
{
    sd_notifyf(0, "STATUS=%s", status);
}

void notify_reloading(void)
{
    /* Type=notify-reload of systemd 253 tells answers to different reloads apart by this time. */
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic_ns() / 1000);
}

void notify_stopping(void)
{
    sd_notify(0, "STOPPING=1\nSTATUS=Giving the traffic back");
}

void notify_watchdog(void)
{
    sd_notify(0, "WATCHDOG=1");
}

uint64_t notify_watchdog_usec(void)
{
    uint64_t usec;

    return sd_watchdog_enabled(0, &usec) > 0 ? usec : 0;
}

int notify_passed_socket(void)
{
    if (sd_listen_fds(1) != 1 ||
        sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <= 0)
        return -1;
    return SD_LISTEN_FDS_START;
}
