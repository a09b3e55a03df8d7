/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the event bases of the daemon have in common: each belongs to one thread, without locks. */
#ifndef IPMODD_DAEMON_EVENTING_H
#define IPMODD_DAEMON_EVENTING_H

#include <event2/event.h>

/*
 * A base with so many priorities, 0 the first. After each callback of a later priority than the
 * first it is looked whether there is something of an earlier one. 0 or -errno.
 */
int eventing_new_base(int priorities, struct event_base **ret_base);

/* An event on FD (or -1) that is waited for from now on, WAIT long if not NULL; or NULL. */
struct event *eventing_watch(struct event_base *base, int fd, short what,
                             event_callback_fn callback, void *context, const struct timeval *wait);

/* NULL is allowed. */
void eventing_forget(struct event *event);

#endif
