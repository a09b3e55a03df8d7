/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks against a second instance. */
#include "kernel/lock.h"

#include "ipmodd/base/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

enum {
    PAUSES = 30,
    PAUSE_NS = 10000000,
};

bool instance_same_place(const struct instance *a, const struct instance *b)
{
    return a->table == b->table && a->divert_priority == b->divert_priority;
}

const char *lock_directory(char text[static PATH_MAX])
{
    return directory_of_service("RUNTIME_DIRECTORY", "/run/ipmodd", text);
}

/*
 * A service leaves a directory of its own user behind. Root, started by hand, can write there now
 * but not once it has given up its capabilities, so its group is let in; the service's next start
 * sets the ownership right again.
 */
int lock_make_directory(const char *directory)
{
    struct stat status;

    if (mkdir(directory, 0755) < 0 && errno != EEXIST)
        return -errno;
    if (geteuid() != 0 || stat(directory, &status) < 0 || status.st_uid == 0)
        return 0;
    if (chown(directory, (uid_t)-1, getegid()) < 0 || chmod(directory, 0775) < 0)
        return -errno;
    return 0;
}

/*
 * Opens and locks PATH. The file may have been removed by the instance that held the lock before:
 * then the lock is on a file that nobody else will find, and it is tried again.
 */
static int lock_file(const char *path, int *ret_fd)
{
    for (;;) {
        int fd CLEANUP(cleanup_fd) = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        struct stat held, named;

        if (fd < 0)
            return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
            return errno == EWOULDBLOCK ? -EBUSY : -errno;
        if (fstat(fd, &held) < 0)
            return -errno;
        if (stat(path, &named) == 0 && held.st_ino == named.st_ino && held.st_dev == named.st_dev) {
            *ret_fd = TAKE_FD(fd);
            return 0;
        }
    }
}

/*
 * A process that was killed while it had a child can hold its locks a moment longer: the child
 * shares them until it has closed what it inherited. Whoever really runs still does after that
 * moment.
 */
static int lock_file_patiently(const char *path, int *ret_fd)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int r = lock_file(path, ret_fd);

    for (int i = 0; i < PAUSES && r == -EBUSY; i++) {
        nanosleep(&pause, NULL);
        r = lock_file(path, ret_fd);
    }
    return r;
}

int lock_path(const struct instance *instance, enum lock_kind which, char path[static LOCK_PATH])
{
    char text[PATH_MAX];
    const char *directory = lock_directory(text);
    struct stat netns;
    int used;

    if (stat("/proc/self/ns/net", &netns) < 0)
        return -errno;
    used = snprintf(path, LOCK_PATH, "%s/netns-%ju-", directory, (uintmax_t)netns.st_ino);
    if (used < 0 || used > LOCK_PATH - 48)
        return -ENAMETOOLONG;
    path += used;
    switch (which) {
    case LOCK_TUN:
        sprintf(path, "tun-%s.lock", instance->tun);
        break;
    case LOCK_TABLE:
        sprintf(path, "table-%u.lock", instance->table);
        break;
    case LOCK_INBOUND:
        sprintf(path, "inbound.lock");
        break;
    case LOCK_PRIORITY:
    case LOCK_COUNT:
        sprintf(path, "priority-%u.lock", instance->divert_priority);
        break;
    }
    return 0;
}

int lock_try(const struct instance *instance, enum lock_kind which, int *ret_fd)
{
    char path[LOCK_PATH];
    int r = lock_path(instance, which, path);

    return r < 0 ? r : lock_file(path, ret_fd);
}

int lock_take(const struct instance *instance, enum lock_kind which, int *ret_fd,
              struct fault *fault)
{
    static const char *const what[LOCK_COUNT] = {[LOCK_TUN] = "name",
                                                 [LOCK_TABLE] = "table",
                                                 [LOCK_PRIORITY] = "divert-priority",
                                                 [LOCK_INBOUND] = "direction (in)"};
    char path[LOCK_PATH];
    int r = lock_path(instance, which, path);

    if (r == 0)
        r = lock_file_patiently(path, ret_fd);
    if (r == -EBUSY)
        return fault_explain(fault, r,
                             "another instance of ipmodd is running with this %s (it holds %s): "
                             "stop it, or choose another %s",
                             what[which], path, what[which]);
    return r < 0 ? fault_set(fault, r, "locking %s", path) : 0;
}

void lock_drop(const struct instance *instance, enum lock_kind which, int *fd)
{
    char path[LOCK_PATH];

    if (*fd < 0)
        return;
    if (lock_path(instance, which, path) == 0)
        unlink(path);
    close(*fd);
    *fd = -1;
}
