/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a request to the events that answer it, one after the other. */
#include "stream.h"

#include "connection.h"
#include "ipmodd/base/macro.h"
#include "view.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

static volatile sig_atomic_t stop;
static volatile sig_atomic_t stopped_fd = -1;

/* The reader finds the end of its input, wherever it stands. */
static void on_stop(int number)
{
    int saved = errno;

    (void)number;
    stop = 1;
    if (stopped_fd >= 0)
        shutdown(stopped_fd, SHUT_RDWR);
    errno = saved;
}

static void watch_signals(int fd)
{
    struct sigaction action = {.sa_handler = on_stop};

    stopped_fd = fd;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* What is to be read can wait for a moment, what was written cannot. */
static bool is_input_waiting(const struct connection *connection)
{
    struct pollfd input = {.fd = fileno(connection->input), .events = POLLIN};

    return poll(&input, 1, 0) > 0;
}

/* False when OUT takes no more, or errno says why it took no more; *RET_CODE: what that means. */
static bool flush(FILE *out, enum exit_code *ret_code)
{
    if (!ferror(out) && fflush(out) == 0)
        return true;
    *ret_code = EXIT_CODE_OK;
    if (errno != EPIPE) /* the reader has had enough */
        *ret_code = command_fail("cannot write: %s",
                                 errno != 0 ? strerror(errno) : "an earlier write failed");
    return false;
}

static enum exit_code read_events(const struct stream *stream, struct connection *connection)
{
    enum exit_code code = EXIT_CODE_OK;
    bool more = true;

    while (more) {
        json_t *document = NULL;

        if (!is_input_waiting(connection) && !flush(stream->out, &code))
            return code;
        code = connection_receive(connection, &document);
        if (code != EXIT_CODE_OK || document == NULL)
            break;
        errno = 0;
        more = stream->take(stream->context, document) && !stream_is_event(document, "end");
        if (ferror(stream->out) && !flush(stream->out, &code))
            more = false;
        json_decref(document);
    }
    if (code != EXIT_CODE_OK || ferror(stream->out))
        return code;
    flush(stream->out, &code);
    return code;
}

enum exit_code stream_run(const struct stream *stream, const struct options *options)
{
    struct connection CLEANUP(connection_close) connection = {.input = NULL};
    enum exit_code code = connection_open(&connection, options);

    if (code != EXIT_CODE_OK)
        return code;
    connection.stop = &stop;
    watch_signals(fileno(connection.input));
    code = connection_send(&connection, stream->request, stream->request_count);
    if (code == EXIT_CODE_OK)
        code = read_events(stream, &connection);
    stopped_fd = -1;
    return code;
}

bool stream_is_event(const json_t *document, const char *event)
{
    return strcmp(view_string(document, "event"), event) == 0;
}

bool stream_add_words(struct stream_request *request, char *const *words, size_t count)
{
    if (count > STREAM_WORDS - request->count)
        return false;
    for (size_t i = 0; i < count; i++)
        request->words[request->count++] = words[i];
    return true;
}

bool stream_add_option(struct stream_request *request, const char *name, const char *value)
{
    if (value == NULL)
        return true;
    if (request->count + 2 > STREAM_WORDS)
        return false;
    request->words[request->count++] = name;
    request->words[request->count++] = value;
    return true;
}
