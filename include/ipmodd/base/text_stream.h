/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text stream: what functions print to a stream, as a string.
 *
 * A stream that is opened grows with what is printed and ends as a string of its own, whole or not
 * at all: when memory ran out on the way, no beginning of it is given out. One that writes into an
 * array keeps what fits, which is for texts that people read.
 */
#ifndef IPMODD_BASE_TEXT_STREAM_H
#define IPMODD_BASE_TEXT_STREAM_H

#include <stddef.h>
#include <stdio.h>

struct text_stream {
    FILE *out;
    char *text;
    size_t length; /* of the text, when it was taken */
    size_t room;   /* bytes at `text` */
};

/* Where to print, into STREAM, which stays where it is until text_stream_take(). NULL without
 * memory. */
FILE *text_stream_open(struct text_stream *stream);

/* The text, owned by the caller; NULL without memory for all of it. */
char *text_stream_take(struct text_stream *stream);

/* The same of what PRINT says of VALUE. */
char *text_stream_print(void (*print)(const void *value, FILE *out), const void *value);

/*
 * A stream, to be closed by the caller, that fills TEXT, of SIZE bytes, as far as they go; TEXT is
 * a string whatever happens, "" at first. NULL without memory.
 */
FILE *text_stream_into(char *text, size_t size);

#endif
