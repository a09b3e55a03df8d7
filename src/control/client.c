/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests of one client come in and are run. */
#include "answer.h"
#include "peer.h"
#include "words.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
    OUTPUT_LOW = CONTROL_OUTPUT_HIGH / 4,
    UNREAD_SECONDS = 60, /* without a byte read of an answer, before a client counts as dead */
};

static const struct control_command *find_command(const struct control_server *server,
                                                  const char *name)
{
    for (size_t i = 0; i < server->command_count; i++) {
        if (strcmp(server->commands[i].name, name) == 0)
            return &server->commands[i];
    }
    return NULL;
}

static void run_words(struct control_client *client, const struct words *words)
{
    const struct control_command *command = find_command(client->server, words->items[0]);
    const struct control_call call = {
        .context = client->server->context,
        .client = client,
        .command = command,
        .argument_count = words->count - 1,
        .arguments = words->items + 1,
    };

    if (command == NULL)
        control_refuse(client, "unknown-command", "there is no command '%.40s'", words->items[0]);
    else if (client->access < command->access)
        control_refuse(client, "not-permitted", "%s: for %s alone", command->name,
                       command->access > CONTROL_READ ? "root and the daemon's user"
                                                      : "members of the daemon's group");
    else
        command->run(&call);
}

static void run_line(struct control_client *client, const char *line, size_t length)
{
    struct words CLEANUP(words_clear) words = {.count = 0};
    const char *fault = NULL;
    int r = words_split(line, length, &words, &fault);

    control_stream_end(client);
    if (r == -ENOMEM)
        control_refuse(client, "failed", "not enough memory for the request");
    else if (r < 0)
        control_refuse(client, "bad-request", "%s", fault);
    else if (words.count == 0)
        control_refuse(client, "bad-request", "an empty line; a request begins with a command");
    else
        run_words(client, &words);
}

/* Throws away what belongs to a line that is too long. */
static void skip_line(struct control_client *client)
{
    struct evbuffer *input = client_input(client);
    struct evbuffer_ptr end = evbuffer_search_eol(input, NULL, NULL, EVBUFFER_EOL_LF);

    client->skipping = end.pos < 0;
    if (client->skipping) {
        evbuffer_drain(input, evbuffer_get_length(input));
        return;
    }
    evbuffer_drain(input, (size_t)end.pos + 1);
    control_refuse(client, "bad-request", "a line has at most %d bytes", (int)CONTROL_LINE_MAX);
}

/* One request, if all of it is there. False when there is none. */
static bool serve(struct control_client *client)
{
    size_t length;
    char CLEANUP(cleanup_free) *line = NULL;

    if (client->skipping) {
        skip_line(client);
        return !client->skipping;
    }
    line = evbuffer_readln(client_input(client), &length, EVBUFFER_EOL_LF);
    if (line != NULL) {
        run_line(client, line, length);
        return true;
    }
    if (evbuffer_get_length(client_input(client)) >= CONTROL_LINE_MAX)
        skip_line(client);
    return false;
}

void client_look_again(struct control_client *client)
{
    if (client->closing || client->ended_input || evbuffer_get_length(client_input(client)) > 0)
        bufferevent_trigger(client->connection, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

/* Frees CLIENT when all is over. */
static void close_when_written(struct control_client *client)
{
    client->closing = true;
    bufferevent_disable(client->connection, EV_READ);
    if (evbuffer_get_length(client_output(client)) == 0)
        client_free(client);
}

static void on_input(struct bufferevent *connection, void *context)
{
    struct control_client *client = context;

    (void)connection;
    if (!client->closing &&
        (client->held || evbuffer_get_length(client_output(client)) > CONTROL_OUTPUT_HIGH))
        return;
    if (client->closing || (!serve(client) && client->ended_input))
        close_when_written(client);
}

/* Enough of the answers was read for the next request. */
static void on_output(struct bufferevent *connection, void *context)
{
    struct control_client *client = context;

    if (client->closing) {
        close_when_written(client);
        return;
    }
    bufferevent_enable(connection, EV_READ);
    if (client->ended != NULL)
        answer_tell_lost(client);
    client_look_again(client);
}

/* Whether nobody can read an answer any more. Who only will write no more has sent an end too. */
static bool has_hung_up(const struct control_client *client)
{
    struct pollfd end = {.fd = bufferevent_getfd(client->connection)};

    return poll(&end, 1, 0) > 0 && (end.revents & POLLHUP) != 0;
}

/* Requests that came before the end are still answered; a stream has nobody to read it any more. */
static void on_event(struct bufferevent *connection, short what, void *context)
{
    struct control_client *client = context;

    (void)connection;
    if ((what & BEV_EVENT_EOF) == 0 ||
        (client->ended != NULL && (!client->held || has_hung_up(client)))) {
        client_free(client);
        return;
    }
    client->ended_input = true;
    client_look_again(client);
}

const struct control_peer *control_peer_of(const struct control_client *client)
{
    return &client->peer;
}

struct control_client *client_new(struct control_server *server, int fd)
{
    static const struct timeval unread = {.tv_sec = UNREAD_SECONDS};
    struct control_client *client = calloc(1, sizeof(*client));

    if (client != NULL)
        client->connection = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (client == NULL || client->connection == NULL) {
        free(client);
        close(fd);
        return NULL;
    }
    client->server = server;
    client->number = server->next_number++;
    client->access = peer_access(fd, &server->owner, &client->peer);
    bufferevent_setcb(client->connection, on_input, on_output, on_event, client);
    bufferevent_setwatermark(client->connection, EV_READ, 0, CONTROL_LINE_MAX);
    bufferevent_setwatermark(client->connection, EV_WRITE, OUTPUT_LOW, 0);
    bufferevent_set_timeouts(client->connection, NULL, &unread);
    bufferevent_enable(client->connection, EV_READ | EV_WRITE);
    LIST_INSERT_HEAD(&server->clients, client, link);
    server->client_count++;
    return client;
}

void client_free(struct control_client *client)
{
    control_stream_end(client);
    LIST_REMOVE(client, link);
    server_client_gone(client->server);
    bufferevent_free(client->connection);
    free(client);
}
