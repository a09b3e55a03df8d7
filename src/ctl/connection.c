/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's end of the control socket. */
#include "connection.h"

#include "command.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text_stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { LINE_MAX_BYTES = 4 << 20 }; /* of a request; ipmodd-control(7) */

static const char usual_socket[] = "/run/ipmodd/control";

static enum exit_code refuse_connect(const char *path, int error)
{
    command_fail("%s: %s%s", path, strerror(error),
                 error == ENOENT || error == ECONNREFUSED ? "; is ipmodd running?"
                 : error == EACCES ? "; members of the group ipmodd may ask, or root"
                                   : "");
    return error == EACCES || error == EPERM ? EXIT_CODE_NOT_PERMITTED : EXIT_CODE_NO_DAEMON;
}

/* PATIENCE_MS: how long anything may take; 0 = as long as it does. */
static int connect_to(struct connection *connection, const char *path, int patience_ms)
{
    const struct timeval patience = {.tv_sec = patience_ms / 1000,
                                     .tv_usec = patience_ms % 1000 * 1000};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd CLEANUP(cleanup_fd) = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *connection = (struct connection){.input = NULL};
    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    connection->input = fdopen(fd, "r");
    if (connection->input == NULL)
        return -errno;
    (void)TAKE_FD(fd);
    return 0;
}

static const char *path_of(const struct options *options)
{
    return options->socket != NULL ? options->socket : usual_socket;
}

enum exit_code connection_open(struct connection *connection, const struct options *options)
{
    int r = connect_to(connection, path_of(options), 0);

    return r < 0 ? refuse_connect(path_of(options), -r) : EXIT_CODE_OK;
}

void connection_close(struct connection *connection)
{
    if (connection->input != NULL)
        fclose(connection->input);
    free(connection->line);
    *connection = (struct connection){.input = NULL};
}

static void put_escaped(char c, FILE *out)
{
    static const char plain[] = "\n\t\r\"\\", letters[] = "ntr\"\\";
    const char *found = strchr(plain, c);

    if (found != NULL && c != '\0') {
        fputc('\\', out);
        c = letters[found - plain];
    }
    fputc(c, out);
}

/* In quotes, unless there is nothing in WORD that needs them. */
static void put_word(const char *word, FILE *out)
{
    if (*word != '\0' && strpbrk(word, " \t\r\n\v\f\"") == NULL) {
        fputs(word, out);
        return;
    }
    fputc('"', out);
    for (; *word != '\0'; word++)
        put_escaped(*word, out);
    fputc('"', out);
}

static int send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

        if (sent < 0)
            return -errno;
        bytes += sent;
        length -= (size_t)sent;
    }
    return 0;
}

enum exit_code connection_send(struct connection *connection, const char *const *words,
                               size_t count)
{
    char CLEANUP(cleanup_free) *line = NULL;
    struct text_stream stream;
    FILE *out = text_stream_open(&stream);
    int r;

    if (out == NULL)
        return command_fail("%s", strerror(errno));
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            fputc(' ', out);
        put_word(words[i], out);
    }
    fputc('\n', out);
    line = text_stream_take(&stream);
    if (line == NULL)
        return command_fail("not enough memory");
    if (stream.length > LINE_MAX_BYTES)
        return command_fail("this is more than the 4 MiB that a request may have");
    r = send_all(fileno(connection->input), line, stream.length);
    if (r == 0)
        return EXIT_CODE_OK;
    command_fail("the daemon hung up: %s", strerror(-r));
    return EXIT_CODE_NO_DAEMON;
}

static enum exit_code take_refusal(const json_t *error)
{
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *text = json_string_value(json_object_get(error, "text"));

    command_fail("%s", text != NULL ? text : "the daemon refused, and did not say why");
    if (code != NULL && strcmp(code, "not-permitted") == 0)
        return EXIT_CODE_NOT_PERMITTED;
    return code != NULL && strcmp(code, "usage") == 0 ? EXIT_CODE_USAGE : EXIT_CODE_FAILED;
}

enum exit_code connection_receive(struct connection *connection, json_t **ret_document)
{
    ssize_t length = getline(&connection->line, &connection->size, connection->input);
    const json_t *error;
    json_t *document;

    *ret_document = NULL;
    if (length < 0 && connection->stop != NULL && *connection->stop)
        return EXIT_CODE_OK;
    if (length < 0) {
        command_fail("the daemon hung up");
        return EXIT_CODE_NO_DAEMON;
    }
    document = json_loadb(connection->line, (size_t)length, 0, NULL);
    if (!json_is_object(document)) {
        json_decref(document);
        return command_fail("what answers there is not ipmodd");
    }
    error = json_object_get(document, "error");
    if (error != NULL) {
        enum exit_code code = take_refusal(error);

        json_decref(document);
        return code;
    }
    *ret_document = document;
    return EXIT_CODE_OK;
}

enum exit_code connection_ask(const struct options *options, const char *const *words, size_t count,
                              json_t **ret_document)
{
    struct connection CLEANUP(connection_close) connection;
    enum exit_code code = connection_open(&connection, options);

    if (code == EXIT_CODE_OK)
        code = connection_send(&connection, words, count);
    if (code == EXIT_CODE_OK)
        code = connection_receive(&connection, ret_document);
    return code;
}

int connection_try(struct connection *connection, const struct options *options, int patience_ms)
{
    return connect_to(connection, path_of(options), patience_ms);
}

int connection_next(struct connection *connection, json_t **ret_document)
{
    json_t *document;
    ssize_t length;

    errno = 0;
    length = getline(&connection->line, &connection->size, connection->input);
    if (length < 0)
        return errno == EAGAIN ? -EAGAIN : -EPROTO;
    document = json_loadb(connection->line, (size_t)length, 0, NULL);
    if (json_is_object(document) && json_object_get(document, "error") == NULL) {
        *ret_document = document;
        return 0;
    }
    json_decref(document);
    return -EPROTO;
}

int connection_probe(const struct options *options, const char *word, int seconds,
                     json_t **ret_document)
{
    struct connection CLEANUP(connection_close) connection;
    char line[64];
    int r = connection_try(&connection, options, seconds * 1000);

    if (r < 0)
        return r;
    snprintf(line, sizeof(line), "%s\n", word);
    r = send_all(fileno(connection.input), line, strlen(line));
    return r < 0 ? r : connection_next(&connection, ret_document);
}
