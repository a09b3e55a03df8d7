/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams of packets to clients of the control socket. */
#include "watch_service.h"

#include "ipmodd/base/macro.h"
#include "service.h"

#include <errno.h>
#include <sys/eventfd.h>

/* A client with a stream. */
struct reader {
    struct watching *watching;
    struct control_client *client;
    struct watcher *watcher;
};

static json_t *make_document(const struct watch_record *record, const struct watch_wish *wish)
{
    switch (record->kind) {
    case WATCH_PACKETS:
        return document_packet(record, wish->snap_length);
    case WATCH_EXPLANATIONS:
        return document_explanation(record);
    case WATCH_FLOWS:
        return document_flow_event(record);
    }
    return NULL;
}

/* Nothing is made that would be left out. */
static void tell(void *context, const struct watch_record *record, const struct watch_wish *wish)
{
    struct reader *reader = context;

    if (control_stream_has_room(reader->client))
        control_stream_send(reader->client, make_document(record, wish));
    else
        control_stream_lose(reader->client, 1);
}

static void lose(void *context, uint64_t count)
{
    struct reader *reader = context;

    control_stream_lose(reader->client, count);
}

static void done(void *context)
{
    struct reader *reader = context;

    control_stream_send(reader->client, json_pack("{s:s}", "event", "end"));
    control_stream_end(reader->client);
}

static const struct watching_sink sink = {tell, lose, done};

/* The client wants no more, or is gone. */
static void on_end(void *context)
{
    struct reader *reader = context;

    watching_remove(reader->watching, reader->watcher);
    free(reader);
}

static void begin(struct reader *reader, const struct engine *engine)
{
    control_stream(reader->client, on_end, reader);
    control_stream_send(reader->client,
                        json_pack("{s:s, s:s, s:i, s:b}", "event", "start", "device",
                                  engine->loaded.config->tun.name, "queues",
                                  (int)engine->worker_count, "follows_flows",
                                  path_flows(worker_path(engine->workers[0])) != NULL));
    eventfd_write(engine->notice_fd, 1); /* there may be something to look after from now on */
}

void watch_service_answer(void *context, struct control_client *client,
                          const struct watch_wish *wish)
{
    struct service *service = context;
    struct engine *engine = service->engine;
    struct reader *reader = calloc(1, sizeof(*reader));
    int r = -ENOMEM;

    engine->watching.sink = &sink;
    if (reader == NULL) {
        filter_free(wish->filter);
    } else {
        *reader = (struct reader){.watching = &engine->watching, .client = client};
        r = watching_add(&engine->watching, engine->workers, engine->worker_count, wish, reader,
                         &reader->watcher);
    }
    if (r == 0) {
        begin(reader, engine);
        return;
    }
    free(reader);
    if (r == -EBUSY)
        control_refuse(client, "busy", "%d watch already: too many at a time", WATCHES_MAX);
    else
        control_refuse(client, "failed", "not enough memory");
}
