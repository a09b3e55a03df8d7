/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listening socket and its place in the file system. */
#include "ipmodd/control/server.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 }; /* who comes while the queue is full is refused by the kernel */

static int open_socket(int *ret_fd)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

/* Whether ADDRESS is a socket that a process listens to. A full queue is one too. */
static bool is_served(const struct sockaddr_un *address)
{
    int CLEANUP(cleanup_fd) fd = -1;

    if (open_socket(&fd) < 0)
        return true;
    return connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN;
}

/* Removes what a killed process left at ADDRESS, if it is a socket. 0 or -errno. */
static int remove_stale(const struct sockaddr_un *address)
{
    struct stat status;

    if (lstat(address->sun_path, &status) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    if (is_served(address))
        return -EADDRINUSE;
    return unlink(address->sun_path) < 0 ? -errno : 0;
}

/* Nobody can connect before mode and group are right: the mode is that of the socket from bind(2)
 * on, and it does not listen yet. */
static int bind_socket(int fd, const struct sockaddr_un *address, gid_t gid)
{
    mode_t before = umask(0117);
    int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

    umask(before);
    if (r < 0)
        return r;
    if ((gid != getegid() && lchown(address->sun_path, (uid_t)-1, gid) < 0) ||
        listen(fd, BACKLOG) < 0) {
        r = -errno;
        unlink(address->sun_path);
    }
    return r;
}

int control_listen(const char *path, gid_t gid, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int CLEANUP(cleanup_fd) fd = -1;
    int r;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    r = remove_stale(&address);
    if (r == 0)
        r = open_socket(&fd);
    if (r == 0)
        r = bind_socket(fd, &address, gid);
    if (r == 0)
        *ret_fd = TAKE_FD(fd);
    return r;
}
