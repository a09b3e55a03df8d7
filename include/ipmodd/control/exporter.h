/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exporter: the figures of `metrics` over HTTP, for Prometheus and what understands its formats.
 *
 * GET and HEAD of /metrics are answered: with OpenMetrics text to who asks for it, otherwise with
 * the older text format. Everything is public, so nothing that a client does may cost the daemon
 * much: EXPORTER_CLIENTS connections at a time, one request each, short headers, no body, seconds
 * for all of it; figures are made once in EXPORTER_PAGE_MS at most, and who asks in between
 * gets the same again. Who comes while all places are taken waits in the queue of the
 * socket.
 *
 * One thread: that of the event base.
 */
#ifndef IPMODD_CONTROL_EXPORTER_H
#define IPMODD_CONTROL_EXPORTER_H

#include "ipmodd/base/addr.h"
#include "ipmodd/control/commands.h"

enum {
    EXPORTER_CLIENTS = 16,
    EXPORTER_SECONDS = 5, /* that a connection may last, about */
    EXPORTER_PAGE_MS = 100,
};

struct exporter;

/* A socket that listens at ADDR and PORT. 0 with *RET_FD, or -errno. */
int exporter_listen(const struct ip_addr *addr, uint16_t port, int *ret_fd);

/*
 * Serves what comes to FD, which it takes over also on failure, with figures of DAEMON, which is
 * borrowed. NULL without memory.
 */
struct exporter *exporter_new(struct event_base *base, int fd, const struct control_daemon *daemon);

/* Hangs up on all. NULL is allowed. */
void exporter_free(struct exporter *exporter);

#endif
