/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting threads, all of which leave signals to the first one, and giving one a table of
 * descriptors of its own.
 */
#ifndef IPMODD_DAEMON_THREAD_H
#define IPMODD_DAEMON_THREAD_H

#include <pthread.h>

/*
 * Runs FUNCTION with ARGUMENT on a new thread that top(1) and ps(1) call NAME (at most 15
 * characters). All signals are blocked there. 0 or -errno.
 */
int thread_start(pthread_t *ret_thread, const char *name, void *(*function)(void *),
                 void *argument);

/*
 * Gives the calling thread a table of descriptors of its own: 0 to 2, KEPT, and all devices and
 * events that the process has open now. What another thread opens or closes later happens without
 * this one.
 */
void thread_own_descriptors(int kept);

#endif
