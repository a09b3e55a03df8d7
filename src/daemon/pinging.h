/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pinging: echo requests that are written straight into the tun device, for clients of the control
 * socket, and the answers that come to it.
 *
 * The source of a request is of the tun device's own prefix, so that the kernel routes what comes
 * back to the device, where the packet path would drop it; it is shown to us first. That happens on
 * the threads of the packets: they keep the first bytes of what could be an answer, if there is
 * room, and wake the main thread, which does all the rest. While nobody pings there is no listener
 * and no cost.
 */
#ifndef IPMODD_DAEMON_PINGING_H
#define IPMODD_DAEMON_PINGING_H

#include "engine.h"
#include "ipmodd/control/commands.h"

struct event_base;
struct pinging;

/*
 * Before the threads of the packets start, which have a table of descriptors of their own: one that
 * is made later is not theirs. 0 or -errno. ENGINE is borrowed.
 */
int pinging_new(struct engine *engine, struct pinging **ret_pinging);

/* Works in the loop of BASE, borrowed, from here on. 0 or -ENOMEM. */
int pinging_serve(struct pinging *pinging, struct event_base *base);

/* The loop ends, and all clients are gone. */
void pinging_end(struct pinging *pinging);

/* NULL is allowed. */
void pinging_free(struct pinging *pinging);

/* Answers CLIENT with a stream, or refuses. */
void pinging_start(struct pinging *pinging, struct control_client *client,
                   const struct control_ping *wish);

#endif
