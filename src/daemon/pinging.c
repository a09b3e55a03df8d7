/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes echo requests into the tun device and tells of what comes back. */
#include "pinging.h"

#include "clock.h"
#include "eventing.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/wire/echo.h"
#include "ipmodd/wire/virtio_net.h"
#include "ping_ears.h"
#include "ping_wish.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/random.h>

enum {
    SESSIONS_MAX = 32,
    PING_TTL = 64,
};

#define NS_PER_MS UINT64_C(1000000)

struct echo_state {
    uint64_t sent_ns;
    bool is_over; /* answered, or given up */
};

struct session {
    SLIST_ENTRY(session) next;
    struct pinging *pinging;
    struct control_client *client;
    struct event *timer;
    struct control_ping wish;
    uint16_t id;
    unsigned sent, received, oldest; /* OLDEST: all before it are over */
    struct echo_state echoes[];      /* one for each sequence number */
};

struct pinging {
    struct event_base *base;
    struct engine *engine;
    SLIST_HEAD(, session) sessions;
    unsigned session_count;
    struct ping_ears ears;
    struct event *wake;
};

static void forget_session(void *context)
{
    struct session *session = context;
    struct pinging *pinging = session->pinging;

    SLIST_REMOVE(&pinging->sessions, session, session, next);
    if (--pinging->session_count == 0)
        ping_ears_close(&pinging->ears);
    eventing_forget(session->timer);
    free(session);
}

static void send_event(struct session *session, const char *event, unsigned seq, json_t *more)
{
    json_t *document = json_pack("{sssi}", "event", event, "seq", (int)seq);

    if (document != NULL && more != NULL)
        json_object_update(document, more);
    json_decref(more);
    control_stream_send(session->client, document);
}

static void finish(struct session *session)
{
    control_stream_send(session->client,
                        json_pack("{sssisi}", "event", "end", "sent", (int)session->sent,
                                  "received", (int)session->received));
    control_stream_end(session->client); /* and with it the session */
}

static void tell_answer(struct session *session, enum echo_kind kind,
                        const struct echo_answer *answer, uint64_t at_ns)
{
    struct echo_state *echo = &session->echoes[answer->seq];
    char from[IP_PREFIX_TEXT];
    json_t *more;

    ip_addr_format(&answer->from, from);
    if (kind == ECHO_REPLY)
        more = json_pack("{sssisf}", "from", from, "ttl", (int)answer->ttl, "rtt_ms",
                         (double)(at_ns - echo->sent_ns) / 1e6);
    else
        more = json_pack("{sssisi}", "from", from, "type", (int)answer->type, "code",
                         (int)answer->code);
    session->received += kind == ECHO_REPLY;
    echo->is_over = true;
    send_event(session, kind == ECHO_REPLY ? "reply" : "error", answer->seq, more);
}

static bool concerns(const struct session *session, const struct echo_answer *answer)
{
    return answer->id == session->id && answer->seq < session->sent &&
           ip_addr_equal(&answer->to, &session->wish.src) &&
           ip_addr_equal(&answer->asked, &session->wish.dst) &&
           !session->echoes[answer->seq].is_over;
}

static void give_up_old(struct session *session, uint64_t now_ns)
{
    uint64_t patience_ns = session->wish.timeout_ms * NS_PER_MS;

    while (session->oldest < session->sent) {
        struct echo_state *echo = &session->echoes[session->oldest];

        if (!echo->is_over && now_ns - echo->sent_ns < patience_ns)
            return;
        if (!echo->is_over)
            send_event(session, "timeout", session->oldest, NULL);
        echo->is_over = true;
        session->oldest++;
    }
}

/* What is written, on the thread of the queue, and what came of it. */
struct letter {
    uint8_t bytes[VNET_HEADER + ECHO_SIZE];
    size_t length;
    int error;
};

static void write_letter(struct mover *mover, void *argument)
{
    struct letter *letter = argument;

    letter->error = write(mover->tun_fd, letter->bytes, letter->length) < 0 ? -errno : 0;
}

static void send_request(struct session *session, uint64_t now_ns)
{
    const struct echo_request request = {.src = session->wish.src,
                                         .dst = session->wish.dst,
                                         .id = session->id,
                                         .seq = (uint16_t)session->sent,
                                         .ttl = PING_TTL};
    struct letter letter = {.error = 0};

    letter.length = VNET_HEADER + echo_build(&request, letter.bytes + VNET_HEADER);
    session->echoes[session->sent].sent_ns = now_ns;
    session->sent++;
    worker_call(session->pinging->engine->workers[0], write_letter, &letter);
    if (letter.error == 0)
        return;
    session->echoes[session->sent - 1].is_over = true;
    send_event(session, "unsent", session->sent - 1,
               json_pack("{ss}", "text", strerror(-letter.error)));
}

/* When something is to be done again. */
static uint64_t due_ns(const struct session *session)
{
    const struct control_ping *wish = &session->wish;
    uint64_t due = UINT64_MAX;

    if (session->sent < wish->count)
        due = session->echoes[session->sent - 1].sent_ns + wish->interval_ms * NS_PER_MS;
    if (session->oldest < session->sent)
        due = MIN_OF(due, session->echoes[session->oldest].sent_ns + wish->timeout_ms * NS_PER_MS);
    return due;
}

/* Waits for the next thing to do; ends the session when there is none. */
static void go_on(struct session *session)
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t due, left;
    struct timeval wait;

    give_up_old(session, now_ns);
    if (session->oldest == session->wish.count) {
        finish(session);
        return;
    }
    due = due_ns(session);
    left = due > now_ns ? due - now_ns : 0;
    wait = (struct timeval){.tv_sec = (time_t)(left / (1000 * NS_PER_MS)),
                            .tv_usec = (suseconds_t)(left / 1000 % 1000000)};
    event_add(session->timer, &wait);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct session *session = context;
    const struct control_ping *wish = &session->wish;
    uint64_t now_ns = clock_monotonic_ns();

    (void)fd;
    (void)what;
    if (session->sent == 0 ||
        (session->sent < wish->count &&
         now_ns >= session->echoes[session->sent - 1].sent_ns + wish->interval_ms * NS_PER_MS))
        send_request(session, now_ns);
    go_on(session);
}

static void take(struct pinging *pinging, const struct ping_answer *caught)
{
    struct session *session, *after;
    struct echo_answer answer;
    enum echo_kind kind = echo_read(caught->bytes, caught->length, &answer);

    if (kind == ECHO_NONE)
        return;
    for (session = SLIST_FIRST(&pinging->sessions); session != NULL; session = after) {
        after = SLIST_NEXT(session, next);
        if (!concerns(session, &answer))
            continue;
        tell_answer(session, kind, &answer, caught->at_ns);
        go_on(session);
    }
}

/* An answer may end the last session, and the ears with it. */
static void on_wake(evutil_socket_t fd, short what, void *context)
{
    struct pinging *pinging = context;
    const struct ping_answer *answer;
    eventfd_t count;

    (void)what;
    eventfd_read(fd, &count);
    while (pinging->session_count > 0 && (answer = ping_ears_take(&pinging->ears)) != NULL)
        take(pinging, answer);
}

int pinging_new(struct engine *engine, struct pinging **ret_pinging)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct pinging *pinging;

    if (fd < 0)
        return -errno;
    pinging = calloc(1, sizeof(*pinging));
    if (pinging == NULL) {
        close(fd);
        return -ENOMEM;
    }
    pinging->engine = engine;
    pinging->ears.engine = engine;
    pinging->ears.wake_fd = fd;
    *ret_pinging = pinging;
    return 0;
}

int pinging_serve(struct pinging *pinging, struct event_base *base)
{
    pinging->base = base;
    pinging->wake =
        eventing_watch(base, pinging->ears.wake_fd, EV_READ | EV_PERSIST, on_wake, pinging, NULL);
    return pinging->wake != NULL ? 0 : -ENOMEM;
}

void pinging_end(struct pinging *pinging)
{
    eventing_forget(TAKE_PTR(pinging->wake));
}

void pinging_free(struct pinging *pinging)
{
    if (pinging == NULL)
        return;
    pinging_end(pinging);
    close(pinging->ears.wake_fd);
    free(pinging);
}

static uint16_t free_id(const struct pinging *pinging)
{
    const struct session *session;
    uint16_t id = 0;

    if (getrandom(&id, sizeof(id), 0) != sizeof(id))
        id = (uint16_t)clock_monotonic_ns();
    do {
        id++;
        SLIST_FOREACH(session, &pinging->sessions, next) {
            if (session->id == id)
                break;
        }
    } while (session != NULL);
    return id;
}

void pinging_start(struct pinging *pinging, struct control_client *client,
                   const struct control_ping *asked)
{
    static const struct timeval at_once = {.tv_sec = 0};
    struct control_ping wish = *asked;
    struct session *session;
    char src[IP_PREFIX_TEXT], dst[IP_PREFIX_TEXT];

    if (!ping_complete(pinging->engine, client, &wish))
        return;
    if (pinging->session_count == SESSIONS_MAX) {
        control_refuse(client, "busy", "%d clients ping already", SESSIONS_MAX);
        return;
    }
    session = calloc(1, sizeof(*session) + wish.count * sizeof(session->echoes[0]));
    if (session != NULL) {
        *session = (struct session){
            .pinging = pinging, .client = client, .wish = wish, .id = free_id(pinging)};
        session->timer = eventing_watch(pinging->base, -1, 0, on_timer, session, &at_once);
    }
    if (session == NULL || session->timer == NULL ||
        (pinging->session_count == 0 && ping_ears_open(&pinging->ears) < 0)) {
        if (session != NULL)
            eventing_forget(session->timer);
        free(session);
        control_refuse(client, "failed", "not enough memory");
        return;
    }
    pinging->session_count++;
    SLIST_INSERT_HEAD(&pinging->sessions, session, next);
    control_stream(client, forget_session, session);
    control_stream_send(client, json_pack("{sssssssi}", "event", "start", "src",
                                          ip_addr_format(&wish.src, src), "dst",
                                          ip_addr_format(&wish.dst, dst), "bytes", ECHO_DATA));
}
