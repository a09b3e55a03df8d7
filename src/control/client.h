/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client: one control connection, from accept(2) to its end. What it is answered is in answer.h.
 *
 * Input is looked at one line at a time, and each further line in a turn of the event loop of its
 * own, so that a client with many requests lets others have theirs. A line that is too long is read
 * to its end, kept nowhere, and refused.
 */
#ifndef IPMODD_CONTROL_CLIENT_H
#define IPMODD_CONTROL_CLIENT_H

#include "ipmodd/control/server.h"

#include <event2/bufferevent.h>
#include <sys/queue.h>

struct control_client {
    LIST_ENTRY(control_client) link;
    struct control_server *server;
    struct bufferevent *connection;
    uint64_t number;
    struct control_peer peer;
    enum control_access access;
    bool skipping;    /* the rest of a line that was too long */
    bool held;        /* an answer is to come */
    bool ended_input; /* nothing comes after what is there */
    bool closing;     /* to be closed when what was written is read */
    /* Of a stream, or of work that is held for; NULL: neither. */
    void (*ended)(void *context);
    void *ended_context;
    uint64_t lost; /* documents left out that the client does not know of */
};

LIST_HEAD(client_list, control_client);

struct control_server {
    struct event_base *base;
    struct evconnlistener *listener;
    struct event *pause; /* pending behind a failure to accept */
    struct client_list clients;
    size_t client_count;
    uint64_t next_number;
    struct control_owner owner;
    const struct control_command *commands;
    size_t command_count;
    void *context;
};

/* A client of SERVER on FD, which it takes over also on failure. NULL without memory. */
struct control_client *client_new(struct control_server *server, int fd);

static inline struct evbuffer *client_input(const struct control_client *client)
{
    return bufferevent_get_input(client->connection);
}

static inline struct evbuffer *client_output(const struct control_client *client)
{
    return bufferevent_get_output(client->connection);
}

/* A further line of the client may wait already; it has its turn after others. */
void client_look_again(struct control_client *client);

/* A descriptor is free again. */
void server_client_gone(struct control_server *server);

/* Ends its stream, hangs up and frees it. */
void client_free(struct control_client *client);

#endif
