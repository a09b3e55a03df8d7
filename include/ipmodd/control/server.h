/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control server: how others ask the daemon, and steer it.
 *
 * A Unix stream socket. A client writes requests, a line each (words.h); each is answered by one
 * JSON document on one line, in the order of the requests. Some answers are a stream, one document
 * a line, which goes on until the client writes another line or hangs up. Every document has
 * "schema": 1; one that refuses has "error": {"code", "text"}. ipmodd-control(7) is the contract.
 *
 * What a client does or leaves undone never delays its server: descriptors do not block, a request
 * has a longest line, and answers that nobody reads are bounded. A client whose answers pile up is
 * not listened to until it has read them; documents of a stream that do not fit are left out and
 * counted, and a document of its own says how many as soon as there is room. All clients together
 * have a bound too.
 *
 * Who may ask what is decided once, when a client connects (CONTROL_READ, CONTROL_CHANGE).
 *
 * One thread: that of the event base. Commands are the daemon's own; this knows none of them.
 */
#ifndef IPMODD_CONTROL_SERVER_H
#define IPMODD_CONTROL_SERVER_H

#include "ipmodd/base/macro.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    CONTROL_CLIENTS_MAX = 256,
    CONTROL_LINE_MAX = 4 << 20,    /* bytes of a request: a whole configuration fits */
    CONTROL_OUTPUT_HIGH = 1 << 20, /* of unread answers, before a client is no longer listened to */
    CONTROL_STREAM_MAX = 512 << 10, /* of unread documents of a stream, before some are left out */
    CONTROL_MEMORY_MAX = 64 << 20,  /* of all clients together */
};

enum control_access {
    CONTROL_NOTHING,
    CONTROL_READ,    /* how the daemon is */
    CONTROL_PACKETS, /* what is in packets as well */
    CONTROL_CHANGE,
};

/* The process that connected, as the kernel tells it. */
struct control_peer {
    uid_t uid;
    pid_t pid; /* 0: not one of this process' PID namespace */
};

/* Whom the daemon serves. */
struct control_owner {
    uid_t uid; /* may change things, as root may */
    gid_t gid; /* its members may read */
};

struct event_base;
struct control_client;
struct control_command;
struct control_server;

/* A request that is to be answered. */
struct control_call {
    void *context; /* of the server */
    struct control_client *client;
    const struct control_command *command;
    size_t argument_count;
    char *const *arguments; /* words behind the command's name; valid during run() */
};

struct control_command {
    const char *name;
    const char *arguments; /* "[--reset]"; "" for none. Part of the refusal of wrong ones. */
    enum control_access access;

    /*
     * Answers by exactly one of control_reply(), control_refuse(), control_stream(), during the
     * call or, after control_hold(), later.
     */
    void (*run)(const struct control_call *call);
};

/*
 * Serves clients of the listening socket FD, which it takes over also on failure, by COMMANDS,
 * which are borrowed. NULL without memory.
 */
struct control_server *control_server_new(struct event_base *base, int fd,
                                          const struct control_owner *owner,
                                          const struct control_command *commands, size_t count,
                                          void *context);

/* Hangs up on every client. NULL is allowed. */
void control_server_free(struct control_server *server);

size_t control_server_clients(const struct control_server *server);

/* Takes over DOCUMENT, an object; NULL (no memory for it) becomes a refusal. */
void control_reply(struct control_client *client, json_t *document);

/* CODE is a word for programs: "usage", "not-found", "busy", "failed", … */
void control_refuse(struct control_client *client, const char *code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The refusal of arguments that CALL's command does not have. */
void control_refuse_arguments(const struct control_call *call);

/*
 * The answer comes later; until then no further request of the client is looked at. The number
 * finds the client again if it still is there.
 */
uint64_t control_hold(struct control_client *client);

/* The same for work that nobody needs when the client has hung up: then GONE is called with
 * CONTEXT, and the client is not to be used any more. Not called once it was answered. */
void control_hold_until(struct control_client *client, void (*gone)(void *context), void *context);

struct control_client *control_find(struct control_server *server, uint64_t number);

/* Borrowed from CLIENT. */
const struct control_peer *control_peer_of(const struct control_client *client);

/*
 * The answer is a stream from here on. ENDED is called with CONTEXT once, when the client writes
 * another line, hangs up, or control_stream_end() is called; the client is not to be used then.
 */
void control_stream(struct control_client *client, void (*ended)(void *context), void *context);

/* Whether a document would fit now: it need not be made otherwise. */
bool control_stream_has_room(const struct control_client *client);
/* COUNT documents were left out. */
void control_stream_lose(struct control_client *client, uint64_t count);

/* Takes over DOCUMENT. False when it was left out, because the client reads too slowly. */
bool control_stream_send(struct control_client *client, json_t *document);
void control_stream_end(struct control_client *client);

/*
 * A listening socket at PATH, whose group GID may connect. One that nobody listens to any more is
 * replaced; -EADDRINUSE when somebody does. *RET_FD, or -errno.
 */
int control_listen(const char *path, gid_t gid, int *ret_fd);

#endif
