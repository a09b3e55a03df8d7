/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Anonymous memory from the kernel. */
#include "memory.h"

#include <sys/mman.h>

void *memory_map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    madvise(memory, size, MADV_HUGEPAGE);
    return memory;
}

void memory_unmap(void *memory, size_t size)
{
    if (memory != NULL)
        munmap(memory, size);
}
