/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accepts clients and keeps the list of them. */
#include "client.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Closed at once, with a word about it if the socket takes one. */
static void turn_away(int fd)
{
    static const char text[] =
        "{\"error\":{\"code\":\"busy\",\"text\":\"too many clients; try again\"},\"schema\":1}\n";

    (void)!write(fd, text, sizeof(text) - 1);
    close(fd);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *context)
{
    struct control_server *server = context;

    (void)listener;
    (void)address;
    (void)length;
    if (server->client_count >= CONTROL_CLIENTS_MAX)
        turn_away(fd);
    else
        client_new(server, fd);
}

/*
 * Mostly no descriptor is free. The connection stays in the queue and the socket readable, so
 * nobody is waited for until a client has gone, or for a while: it may be others who have them all.
 */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
    static const struct timeval pause = {.tv_sec = 1};
    struct control_server *server = context;

    evconnlistener_disable(listener);
    event_add(server->pause, &pause);
}

static void on_pause_over(evutil_socket_t fd, short what, void *context)
{
    struct control_server *server = context;

    (void)fd;
    (void)what;
    evconnlistener_enable(server->listener);
}

void server_client_gone(struct control_server *server)
{
    server->client_count--;
    evconnlistener_enable(server->listener);
}

struct control_server *control_server_new(struct event_base *base, int fd,
                                          const struct control_owner *owner,
                                          const struct control_command *commands, size_t count,
                                          void *context)
{
    struct control_server *server = calloc(1, sizeof(*server));

    if (server != NULL)
        server->pause = event_new(base, -1, 0, on_pause_over, server);
    /* One that was passed blocks, and accepting goes on until there is nobody more. */
    if (server != NULL && server->pause != NULL && evutil_make_socket_nonblocking(fd) == 0)
        server->listener = evconnlistener_new(base, on_accept, server,
                                              LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (server == NULL || server->listener == NULL) {
        if (server != NULL && server->pause != NULL)
            event_free(server->pause);
        free(server);
        close(fd);
        return NULL;
    }
    evconnlistener_set_error_cb(server->listener, on_accept_error);
    server->base = base;
    server->owner = *owner;
    server->commands = commands;
    server->command_count = count;
    server->context = context;
    LIST_INIT(&server->clients);
    return server;
}

void control_server_free(struct control_server *server)
{
    struct control_client *client;

    if (server == NULL)
        return;
    while ((client = LIST_FIRST(&server->clients)) != NULL)
        client_free(client);
    evconnlistener_free(server->listener);
    event_free(server->pause);
    free(server);
}

size_t control_server_clients(const struct control_server *server)
{
    return server->client_count;
}

struct control_client *control_find(struct control_server *server, uint64_t number)
{
    struct control_client *client;

    LIST_FOREACH(client, &server->clients, link) {
        if (client->number == number)
            return client;
    }
    return NULL;
}
