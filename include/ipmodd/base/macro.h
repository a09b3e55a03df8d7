/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small things every folder needs: array sizes, cleanup attributes, taking a pointer out of its
 * owner.
 */
#ifndef IPMODD_BASE_MACRO_H
#define IPMODD_BASE_MACRO_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(array)          (sizeof(array) / sizeof((array)[0]))
#define PRINTF_LIKE(string, first) __attribute__((format(printf, string, first)))
#define MIN_OF(a, b)               ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b)               ((a) > (b) ? (a) : (b))

/* Runs FUNCTION on the address of the variable when it leaves its scope. */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* The value of POINTER, which is NULL from here on: how an owner lets go of what escapes. */
#define TAKE_PTR(pointer)                       \
    __extension__({                             \
        __typeof__(pointer) taken_ = (pointer); \
        (pointer) = NULL;                       \
        taken_;                                 \
    })

/* The descriptor in FD, which is -1 from here on. */
#define TAKE_FD(fd)        \
    __extension__({        \
        int taken_ = (fd); \
        (fd) = -1;         \
        taken_;            \
    })

static inline void cleanup_free(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}

static inline void cleanup_file(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}

static inline void cleanup_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#endif
