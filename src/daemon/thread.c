/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting threads, and their descriptors. */
#include "thread.h"

#include "ipmodd/base/macro.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void close_directory(DIR **directory)
{
    if (*directory != NULL)
        closedir(*directory);
}

/* What others wait for the end of: a port, a lock, the nft table that goes with its socket. */
static bool is_of_others(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 &&
           (S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode) || S_ISREG(status.st_mode));
}

/* By kind, since nobody can name the descriptors that libevent has. */
void thread_own_descriptors(int kept)
{
    DIR CLEANUP(close_directory) *directory = NULL;
    const struct dirent *item;

    if (unshare(CLONE_FILES) < 0)
        return;
    directory = opendir("/proc/thread-self/fd");
    while (directory != NULL && (item = readdir(directory)) != NULL) {
        int fd = atoi(item->d_name);

        if (fd > STDERR_FILENO && fd != kept && is_of_others(fd))
            close(fd);
    }
}
