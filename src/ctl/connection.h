/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connection: asking the daemon over its control socket (ipmodd-control(7)).
 *
 * What goes wrong is said on stderr here, once, and comes back as the exit code that it means.
 */
#ifndef IPMODD_CTL_CONNECTION_H
#define IPMODD_CTL_CONNECTION_H

#include "exit_code.h"
#include "options.h"

#include <jansson.h>
#include <signal.h>

struct connection {
    FILE *input; /* buffered; what is sent goes to its descriptor */
    char *line;
    size_t size;
    const volatile sig_atomic_t *stop; /* set: the end of the input is the user's wish; or NULL */
};

/* Connects to the socket of OPTIONS, or the usual one. Close it also after a failure. */
enum exit_code connection_open(struct connection *connection, const struct options *options);
void connection_close(struct connection *connection);

/* Sends the COUNT words as one line, each quoted where it needs that. */
enum exit_code connection_send(struct connection *connection, const char *const *words,
                               size_t count);

/*
 * The next document, owned by the caller; NULL when there is none because the user wants to stop. A
 * refusal is said and becomes the exit code; EXIT_CODE_NO_DAEMON when the daemon has hung up.
 */
enum exit_code connection_receive(struct connection *connection, json_t **ret_document);

/*
 * The same without a word on stderr, and with a bound for how long anything may take: 0, or -ENOENT
 * or -ECONNREFUSED (no daemon), -EACCES (not for this user), or another -errno. What comes next:
 * -EAGAIN (nothing in time), -EPROTO (a refusal, or no answer of ipmodd).
 */
int connection_try(struct connection *connection, const struct options *options, int patience_ms);
int connection_next(struct connection *connection, json_t **ret_document);

/*
 * Asks with one word, waits no longer than SECONDS, and says nothing. 0; -ENOENT or -ECONNREFUSED
 * (no daemon), -EACCES (not for this user), -EAGAIN (no answer in time), -EPROTO (a refusal, or no
 * answer of ipmodd), or another -errno.
 */
int connection_probe(const struct options *options, const char *word, int seconds,
                     json_t **ret_document);

/* Connects, sends, receives one document, and closes. */
enum exit_code connection_ask(const struct options *options, const char *const *words, size_t count,
                              json_t **ret_document);

#endif
