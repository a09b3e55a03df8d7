/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command answers, as lines for its client. */
#include "answer.h"

#include "ipmodd/base/json.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdarg.h>
#include <string.h>

enum {
    SCHEMA = 1,
    REFUSAL_TEXT = 512,
};

static size_t memory_of_all(const struct control_server *server)
{
    const struct control_client *client;
    size_t bytes = 0;

    LIST_FOREACH(client, &server->clients, link)
        bytes +=
            evbuffer_get_length(client_input(client)) + evbuffer_get_length(client_output(client));
    return bytes;
}

/* Writes TEXT and a line feed. */
static void put_line(struct control_client *client, const char *text, size_t length)
{
    if (evbuffer_add(client_output(client), text, length) < 0 ||
        evbuffer_add(client_output(client), "\n", 1) < 0)
        client->closing = true; /* half a line is no answer */
    if (evbuffer_get_length(client_output(client)) > CONTROL_OUTPUT_HIGH)
        bufferevent_disable(client->connection, EV_READ);
}

/* Takes over DOCUMENT. False when there is no memory for its text. */
static bool put_document(struct control_client *client, json_t *document)
{
    char CLEANUP(cleanup_free) *text = NULL;

    if (document != NULL && json_object_set_new(document, "schema", json_integer(SCHEMA)) == 0)
        text = json_dumps(document, JSON_FORM);
    json_decref(document);
    if (text == NULL)
        return false;
    put_line(client, text, strlen(text));
    return true;
}

static void answered(struct control_client *client)
{
    if (client->held)
        client->ended = NULL;
    client->held = false;
    client_look_again(client);
}

void control_refuse(struct control_client *client, const char *code, const char *format, ...)
{
    char text[REFUSAL_TEXT];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (!put_document(client,
                      json_pack("{s{ssso}}", "error", "code", code, "text", json_text(text))))
        client->closing = true;
    answered(client);
}

void control_reply(struct control_client *client, json_t *document)
{
    if (document != NULL && memory_of_all(client->server) > CONTROL_MEMORY_MAX) {
        json_decref(document);
        control_refuse(client, "busy", "too many answers wait to be read; try again");
        return;
    }
    if (put_document(client, document))
        answered(client);
    else
        control_refuse(client, "failed", "not enough memory for the answer");
}

void control_refuse_arguments(const struct control_call *call)
{
    control_refuse(call->client, "usage", "usage: %s %s", call->command->name,
                   call->command->arguments);
}

uint64_t control_hold(struct control_client *client)
{
    client->held = true;
    return client->number;
}

void control_hold_until(struct control_client *client, void (*gone)(void *context), void *context)
{
    control_hold(client);
    client->ended = gone;
    client->ended_context = context;
}

void control_stream(struct control_client *client, void (*ended)(void *context), void *context)
{
    answered(client);
    client->ended = ended;
    client->ended_context = context;
    client->lost = 0;
}

void control_stream_end(struct control_client *client)
{
    void (*ended)(void *context) = TAKE_PTR(client->ended);

    if (ended != NULL)
        ended(client->ended_context);
}

bool control_stream_has_room(const struct control_client *client)
{
    return evbuffer_get_length(client_output(client)) < CONTROL_STREAM_MAX;
}

bool answer_tell_lost(struct control_client *client)
{
    if (client->lost == 0)
        return true;
    if (!control_stream_has_room(client) ||
        !put_document(client,
                      json_pack("{s:s, s:I}", "event", "lost", "lost", (json_int_t)client->lost)))
        return false;
    client->lost = 0;
    return true;
}

void control_stream_lose(struct control_client *client, uint64_t count)
{
    client->lost += count;
    answer_tell_lost(client);
}

bool control_stream_send(struct control_client *client, json_t *document)
{
    if (!control_stream_has_room(client) || !answer_tell_lost(client)) {
        json_decref(document);
        client->lost++;
        return false;
    }
    if (put_document(client, document))
        return true;
    client->lost++;
    return false;
}
