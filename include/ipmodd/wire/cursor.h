/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cursor: reading bytes that a stranger wrote.
 *
 * A cursor walks over a run of bytes that somebody else owns. The first read past the end makes it
 * fail; a failed cursor stays failed, no longer moves and hands out zeros, so that a parser reads a
 * whole header and asks once. Invariant: `at` never exceeds `length`.
 */
#ifndef IPMODD_WIRE_CURSOR_H
#define IPMODD_WIRE_CURSOR_H

#include "ipmodd/wire/bytes.h"

#include <stdbool.h>
#include <stddef.h>

struct cursor {
    const uint8_t *bytes; /* borrowed */
    size_t length;
    size_t at; /* offset of the next byte */
    bool failed;
};

static inline struct cursor cursor_over(const uint8_t *bytes, size_t length)
{
    return (struct cursor){.bytes = bytes, .length = length};
}

/* Bytes that have not been read yet. */
static inline size_t cursor_left(const struct cursor *cursor)
{
    return cursor->length - cursor->at;
}

/* The COUNT bytes that come next, which are now behind the cursor; NULL when it failed. */
static inline const uint8_t *cursor_take(struct cursor *cursor, size_t count)
{
    const uint8_t *taken = cursor->bytes + cursor->at;

    if (cursor->failed || count > cursor_left(cursor)) {
        cursor->failed = true;
        return NULL;
    }
    cursor->at += count;
    return taken;
}

static inline void cursor_skip(struct cursor *cursor, size_t count)
{
    (void)cursor_take(cursor, count);
}

static inline uint8_t cursor_u8(struct cursor *cursor)
{
    const uint8_t *at = cursor_take(cursor, 1);

    return at != NULL ? *at : 0;
}

/* Host order. */
static inline uint16_t cursor_be16(struct cursor *cursor)
{
    const uint8_t *at = cursor_take(cursor, 2);

    return at != NULL ? be16_load(at) : 0;
}

/*
 * What lies behind LENGTH bytes from the start does not belong to the data: takes it from the
 * cursor's view. A cursor that is already behind that point, or a LENGTH beyond the end, fails.
 */
static inline void cursor_trim(struct cursor *cursor, size_t length)
{
    if (length > cursor->length || length < cursor->at)
        cursor->failed = true;
    else
        cursor->length = length;
}

#endif
