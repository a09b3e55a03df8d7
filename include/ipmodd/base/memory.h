/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A better place for large tables that are read in no order.
 *
 * What grew by realloc(3) begins 16 bytes into a line of the processor's cache, so that an item as
 * large as a line lies in two, and in pages of 4 KB, of which the processor knows the addresses of
 * some 2,000: of a larger table nearly every reading costs a walk through page tables besides, on a
 * virtual machine through two. Once such a table is complete it can be moved.
 */
#ifndef IPMODD_BASE_MEMORY_H
#define IPMODD_BASE_MEMORY_H

#include <stddef.h>

enum {
    MEMORY_LINE = 64,           /* of the processor's cache, bytes */
    MEMORY_HUGE_PAGE = 2 << 20, /* bytes, of the usual processors */
};

/*
 * Moves MEMORY, SIZE bytes from malloc(3) or realloc(3), to the begin of a line, and from
 * MEMORY_HUGE_PAGE on into huge pages, as many as it fills, where the kernel has them. Returns
 * where it is from now on, which is free()d as before; without memory for that it stays where it
 * was. Both places together are at no time much larger than SIZE, and what is resident does not
 * grow.
 */
void *memory_settle(void *memory, size_t size);

#endif
