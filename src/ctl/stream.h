/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stream: reading what the daemon tells until there is enough of it, or the user interrupts.
 *
 * What was printed is shown as soon as no more is there to be read, so that nothing waits in a
 * buffer and fast streams cost no system call a line.
 */
#ifndef IPMODD_CTL_STREAM_H
#define IPMODD_CTL_STREAM_H

#include "command.h"

#include <jansson.h>

struct stream {
    const char *const *request; /* words for the daemon */
    size_t request_count;
    FILE *out; /* to be flushed */
    /* DOCUMENT came, an event of the stream. False: enough. */
    bool (*take)(void *context, const json_t *document);
    void *context;
};

/*
 * Runs STREAM to its end. SIGINT and SIGTERM end it as if the daemon had, with EXIT_CODE_OK, and so
 * does a reader of OUT that went away.
 */
enum exit_code stream_run(const struct stream *stream, const struct options *options);

/* The `event` of DOCUMENT. */
bool stream_is_event(const json_t *document, const char *event);

/* Words of a request that is put together. */
enum { STREAM_WORDS = 256 };
struct stream_request {
    const char *words[STREAM_WORDS];
    size_t count;
};

/* Append a word; an option with its value, unless VALUE is NULL; COUNT words. False: too many. */
bool stream_add_option(struct stream_request *request, const char *name, const char *value);
bool stream_add_words(struct stream_request *request, char *const *words, size_t count);

#endif
