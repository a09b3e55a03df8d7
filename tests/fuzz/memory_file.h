/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file in memory, as trusted as one of the administrator's: a file that others may write is
 * refused before a word of it is read. */
#ifndef IPMODD_TESTS_FUZZ_MEMORY_FILE_H
#define IPMODD_TESTS_FUZZ_MEMORY_FILE_H

#include "target.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* With BYTES; it lives as long as the descriptor, under the name that memory_file_name() gives. */
static inline int memory_file(const void *bytes, size_t length)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    REQUIRE(fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR) == 0);
    REQUIRE(write(fd, bytes, length) == (ssize_t)length);
    return fd;
}

enum { MEMORY_FILE_NAME = 32 };

static inline const char *memory_file_name(int fd, char name[MEMORY_FILE_NAME])
{
    snprintf(name, MEMORY_FILE_NAME, "/proc/self/fd/%d", fd);
    return name;
}

#endif
