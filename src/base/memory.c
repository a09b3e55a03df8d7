/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moving tables to the begin of a line and into huge pages. */
#include "ipmodd/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* What is moved at a time, bytes. */
enum { PIECE = 1 << 20 };

/* SIZE bytes. What does not fill a huge page is left in small ones: it would be resident unused. */
static void *allocate(size_t size)
{
    size_t alignment = size < MEMORY_HUGE_PAGE ? MEMORY_LINE : MEMORY_HUGE_PAGE;
    void *memory;

    if (posix_memalign(&memory, alignment, size) != 0)
        return NULL;
    if (size >= MEMORY_HUGE_PAGE)
        madvise(memory, size / MEMORY_HUGE_PAGE * MEMORY_HUGE_PAGE, MADV_HUGEPAGE);
    return memory;
}

/* MEMORY without what is behind its first SIZE bytes, which may stay if that is not possible. */
static unsigned char *cut(unsigned char *memory, size_t size)
{
    unsigned char *less = realloc(memory, size);

    return less != NULL ? less : memory;
}

void *memory_settle(void *memory, size_t size)
{
    unsigned char *from = memory, *to = size > 0 ? allocate(size) : NULL;

    if (to == NULL)
        return memory;
    while (size > PIECE) {
        size_t left = (size - 1) / PIECE * PIECE;

        memcpy(to + left, from + left, size - left);
        from = cut(from, left);
        size = left;
    }
    memcpy(to, from, size);
    free(from);
    return to;
}
