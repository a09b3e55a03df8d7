/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams whose text stays in memory. */
#include "ipmodd/base/text_stream.h"

#include "ipmodd/base/macro.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 256 };

/* A short answer marks the stream as failed, which that of open_memstream(3) never is. */
static ssize_t take_bytes(void *cookie, const char *bytes, size_t count)
{
    struct text_stream *stream = cookie;
    size_t room = stream->room;

    while (count >= room - stream->length)
        room *= 2;
    if (room > stream->room) {
        char *text = realloc(stream->text, room);

        if (text == NULL)
            return 0;
        stream->text = text;
        stream->room = room;
    }
    memcpy(stream->text + stream->length, bytes, count);
    stream->length += count;
    return (ssize_t)count;
}

FILE *text_stream_open(struct text_stream *stream)
{
    *stream = (struct text_stream){.text = malloc(ROOM_FIRST), .room = ROOM_FIRST};
    if (stream->text != NULL)
        stream->out = fopencookie(stream, "w", (cookie_io_functions_t){.write = take_bytes});
    if (stream->out == NULL)
        free(TAKE_PTR(stream->text));
    return stream->out;
}

char *text_stream_take(struct text_stream *stream)
{
    bool whole = fflush(stream->out) == 0 && ferror(stream->out) == 0;

    fclose(stream->out);
    if (!whole)
        free(TAKE_PTR(stream->text));
    else
        stream->text[stream->length] = '\0';
    return stream->text;
}

char *text_stream_print(void (*print)(const void *value, FILE *out), const void *value)
{
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);

    if (out == NULL)
        return NULL;
    print(value, out);
    return text_stream_take(&stream);
}

FILE *text_stream_into(char *text, size_t size)
{
    memset(text, 0, size); /* a full stream adds no NUL */
    return fmemopen(text, size - 1, "w");
}
