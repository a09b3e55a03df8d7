/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of one configuration file. */
#include "file_text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse_errno(struct report *report, const char *path, int error)
{
    const struct place place = {.file = path};

    report_error(report, &place, "cannot be read: %s", strerror(error));
    return -EINVAL;
}

/* Who can write the configuration decides what becomes of this host's traffic. */
static int check_writers(const struct stat *status, const char *path, struct report *report)
{
    const struct place place = {.file = path};
    int r = 0;

    if (S_ISCHR(status->st_mode))
        return 0; /* /dev/null, which masks a drop-in */
    if (status->st_uid != 0 && status->st_uid != geteuid())
        r = report_distrust(report, &place,
                            "belongs to user %u: only root and the user that runs ipmodd may own "
                            "it; `chown root` mends that",
                            (unsigned)status->st_uid);
    if (r == 0 && (status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        r = report_distrust(report, &place,
                            "can be written by others than its owner (mode %04o); `chmod go-w` "
                            "mends that",
                            status->st_mode & 07777);
    return r;
}

/* Reads FD to its end, FILE_TEXT_MAX + 1 bytes at most, into growing memory. -errno on failure. */
static int read_all(int fd, char **ret_bytes, size_t *ret_length)
{
    size_t length = 0, capacity = 0;
    char CLEANUP(cleanup_free) *bytes = NULL;

    for (;;) {
        ssize_t got;

        if (length + 1 >= capacity) {
            char *larger = realloc(bytes, capacity = MAX_OF(capacity * 2, (size_t)4096));

            if (larger == NULL)
                return -ENOMEM;
            bytes = larger;
        }
        got = read(fd, bytes + length, MIN_OF(capacity - 1 - length, FILE_TEXT_MAX + 1 - length));
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got == 0)
            break;
        length += got > 0 ? (size_t)got : 0;
    }
    bytes[length] = '\0';
    *ret_bytes = TAKE_PTR(bytes);
    *ret_length = length;
    return 0;
}

/* A file that is written while it is read may look whole and be half of two versions. */
static int check_unchanged(int fd, const char *path, const struct stat *before, size_t length,
                           struct report *report)
{
    const struct place place = {.file = path};
    struct stat after;

    if (fstat(fd, &after) < 0)
        return refuse_errno(report, path, errno);
    if (!S_ISREG(after.st_mode) || length > FILE_TEXT_MAX)
        return 0;
    if ((size_t)after.st_size == length && after.st_mtim.tv_sec == before->st_mtim.tv_sec &&
        after.st_mtim.tv_nsec == before->st_mtim.tv_nsec)
        return 0;
    report_error(report, &place, "was changed while it was read: load it again");
    return -EINVAL;
}

static unsigned line_of(const char *bytes, size_t offset)
{
    unsigned line = 1;

    for (size_t i = 0; i < offset; i++)
        line += bytes[i] == '\n';
    return line;
}

/* Whether BYTES are text of an acceptable size. */
static int check_bytes(const char *path, const char *bytes, size_t length, struct report *report)
{
    struct place place = {.file = path};
    size_t nul = strlen(bytes);

    if (length > FILE_TEXT_MAX) {
        report_error(report, &place, "is larger than %d MiB: this is no configuration file",
                     FILE_TEXT_MAX / (1024 * 1024));
        return -EINVAL;
    }
    if (nul < length) {
        place.line = line_of(bytes, nul);
        report_error(report, &place, "holds a NUL byte: a configuration file is plain text");
        return -EINVAL;
    }
    return 0;
}

int file_text_read(const char *path, struct report *report, char **ret_text)
{
    int CLEANUP(cleanup_fd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    char CLEANUP(cleanup_free) *bytes = NULL;
    struct stat status;
    size_t length = 0;
    int r;

    if (fd < 0 || fstat(fd, &status) < 0)
        return refuse_errno(report, path, errno);
    r = check_writers(&status, path, report);
    if (r < 0)
        return r;
    fcntl(fd, F_SETFL, 0); /* a pipe is read to its end, but nobody waits for one to write to it */
    r = read_all(fd, &bytes, &length);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return refuse_errno(report, path, -r);
    r = check_unchanged(fd, path, &status, length, report);
    if (r == 0)
        r = check_bytes(path, bytes, length, report);
    if (r < 0)
        return r;
    *ret_text = TAKE_PTR(bytes);
    return 0;
}
