/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting threads. */
#include "thread.h"

#include <signal.h>

int thread_start(pthread_t *ret_thread, const char *name, void *(*function)(void *), void *argument)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* what the new thread begins with */
    error = pthread_create(ret_thread, NULL, function, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0)
        return -error;
    pthread_setname_np(*ret_thread, name);
    return 0;
}
