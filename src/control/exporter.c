/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Serves the figures by libevent's evhttp, whose connections have no bound of their own. */
#include "ipmodd/control/exporter.h"

#include "documents.h"

#include "ipmodd/base/clock.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 64,
    HEADERS_MAX = 8192,
    BODY_MAX = 1024, /* so much is read before the method is refused */
};

static const struct timeval sweep_interval = {.tv_usec = 200000};

/*
 * A connection of evhttp, which does not tell when it lets one go: a reference of ours tells. Until
 * that is given up the descriptor stays open, so that nobody gets its number while libevent still
 * has events for it.
 */
struct seat {
    struct bufferevent *connection; /* NULL: free */
    uint64_t since_ns;
};

struct page {
    char *text;
    size_t length;
    uint64_t made_ns;
};

struct exporter {
    LIST_ENTRY(exporter) link;
    const struct control_daemon *daemon;
    struct evhttp *http;
    struct evconnlistener *listener;
    struct event *sweep; /* pending while connections are there, or one could not be accepted */
    struct seat seats[EXPORTER_CLIENTS];
    struct page pages[METRICS_FORMAT_COUNT];
};

/* All that there are, by which the one of a listener is found. */
static LIST_HEAD(, exporter) exporters = LIST_HEAD_INITIALIZER(exporters);

/* evhttp has taken its callbacks away when it is done with one. */
static bool is_over(struct bufferevent *connection)
{
    bufferevent_event_cb on_event;

    bufferevent_getcb(connection, NULL, NULL, &on_event, NULL);
    return on_event == NULL;
}

/* Gives seats free and hangs up on who has been here for too long. How many are taken. */
static size_t sweep_seats(struct exporter *exporter)
{
    uint64_t now = clock_monotonic_ns();
    size_t taken = 0;

    for (size_t i = 0; i < EXPORTER_CLIENTS; i++) {
        struct seat *seat = &exporter->seats[i];

        if (seat->connection != NULL && is_over(seat->connection))
            bufferevent_decref(TAKE_PTR(seat->connection));
        if (seat->connection == NULL)
            continue;
        taken++;
        if (now - seat->since_ns > EXPORTER_SECONDS * UINT64_C(1000000000))
            shutdown(bufferevent_getfd(seat->connection), SHUT_RDWR);
    }
    return taken;
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    struct exporter *exporter = context;
    size_t taken = sweep_seats(exporter);

    (void)fd;
    (void)what;
    if (taken < EXPORTER_CLIENTS)
        evconnlistener_enable(exporter->listener);
    if (taken > 0)
        event_add(exporter->sweep, &sweep_interval);
}

/* evhttp asks for the connection of each client that it has accepted. */
static struct bufferevent *on_accept(struct event_base *base, void *context)
{
    struct exporter *exporter = context;
    struct bufferevent *connection = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    size_t taken = sweep_seats(exporter);

    for (size_t i = 0; i < EXPORTER_CLIENTS && connection != NULL; i++) {
        if (exporter->seats[i].connection != NULL)
            continue;
        exporter->seats[i] =
            (struct seat){.connection = connection, .since_ns = clock_monotonic_ns()};
        bufferevent_incref(connection);
        break;
    }
    if (taken + 1 >= EXPORTER_CLIENTS)
        evconnlistener_disable(exporter->listener);
    if (!event_pending(exporter->sweep, EV_TIMEOUT, NULL))
        event_add(exporter->sweep, &sweep_interval);
    return connection;
}

/*
 * For want of a descriptor, say: the socket stays readable, so nobody is waited for until the next
 * sweep. The context of evhttp's listeners is evhttp's.
 */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
    struct exporter *exporter;

    (void)context;
    evconnlistener_disable(listener);
    LIST_FOREACH(exporter, &exporters, link) {
        if (exporter->listener == listener)
            event_add(exporter->sweep, &sweep_interval);
    }
}

/* The figures in FORMAT, not older than EXPORTER_PAGE_MS; NULL without memory. */
static const struct page *make_page(struct exporter *exporter, enum metrics_format format)
{
    const struct control_daemon *daemon = exporter->daemon;
    struct page *page = &exporter->pages[format];
    struct control_report report;
    uint64_t now = clock_monotonic_ns();

    if (page->text != NULL && now - page->made_ns < EXPORTER_PAGE_MS * UINT64_C(1000000))
        return page;
    free(TAKE_PTR(page->text));
    if (daemon->report(daemon->context, &report) < 0)
        return NULL;
    page->text = document_metrics_text(&report, format, &page->length);
    page->made_ns = now;
    control_report_clear(&report);
    return page->text != NULL ? page : NULL;
}

static void add_header(struct evhttp_request *request, const char *name, const char *value)
{
    evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

static void reply_text(struct evhttp_request *request, int code, const char *reason,
                       const char *text, size_t length)
{
    struct evbuffer *body = evbuffer_new();
    char number[24];

    snprintf(number, sizeof(number), "%zu", length);
    add_header(request, "Content-Length", number);
    if (body != NULL && evhttp_request_get_command(request) != EVHTTP_REQ_HEAD)
        evbuffer_add(body, text, length);
    evhttp_send_reply(request, code, reason, body);
    if (body != NULL)
        evbuffer_free(body);
}

static void refuse(struct evhttp_request *request, int code, const char *reason, const char *text)
{
    add_header(request, "Content-Type", "text/plain; charset=utf-8");
    reply_text(request, code, reason, text, strlen(text));
}

static enum metrics_format wanted_format(struct evhttp_request *request)
{
    const char *accept = evhttp_find_header(evhttp_request_get_input_headers(request), "Accept");

    return accept != NULL && strstr(accept, "application/openmetrics-text") != NULL
               ? METRICS_OPENMETRICS
               : METRICS_PLAIN;
}

static void reply_metrics(struct exporter *exporter, struct evhttp_request *request)
{
    static const char *const types[METRICS_FORMAT_COUNT] = {
        [METRICS_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
        [METRICS_PLAIN] = "text/plain; version=0.0.4; charset=utf-8",
    };
    enum metrics_format format = wanted_format(request);
    const struct page *page = make_page(exporter, format);

    if (page == NULL) {
        refuse(request, HTTP_SERVUNAVAIL, "Service Unavailable", "not enough memory\n");
        return;
    }
    add_header(request, "Content-Type", types[format]);
    reply_text(request, HTTP_OK, "OK", page->text, page->length);
}

static void on_request(struct evhttp_request *request, void *context)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
    enum evhttp_cmd_type method = evhttp_request_get_command(request);

    add_header(request, "Connection", "close"); /* seats are few */
    if (path == NULL || strcmp(path, "/metrics") != 0) {
        refuse(request, HTTP_NOTFOUND, "Not Found", "there is /metrics and nothing else\n");
    } else if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
        add_header(request, "Allow", "GET, HEAD");
        refuse(request, HTTP_BADMETHOD, "Method Not Allowed", "GET or HEAD\n");
    } else {
        reply_metrics(context, request);
    }
}

static socklen_t make_address(const struct ip_addr *addr, uint16_t port,
                              struct sockaddr_storage *ret_address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;

    memset(ret_address, 0, sizeof(*ret_address));
    if (addr->family == FAMILY_IPV4) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, addr->bytes, sizeof(v4->sin_addr));
        return sizeof(*v4);
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    memcpy(&v6->sin6_addr, addr->bytes, sizeof(v6->sin6_addr));
    return sizeof(*v6);
}

int exporter_listen(const struct ip_addr *addr, uint16_t port, int *ret_fd)
{
    struct sockaddr_storage address;
    socklen_t length = make_address(addr, port, &address);
    int CLEANUP(cleanup_fd)
        fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int yes = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* FD is taken over when it succeeds. */
static bool open_http(struct exporter *exporter, struct event_base *base, int fd)
{
    struct evhttp_bound_socket *bound;

    exporter->sweep = event_new(base, -1, 0, on_sweep, exporter);
    exporter->http = evhttp_new(base);
    if (exporter->sweep == NULL || exporter->http == NULL)
        return false;
    evhttp_set_bevcb(exporter->http, on_accept, exporter);
    evhttp_set_gencb(exporter->http, on_request, exporter);
    evhttp_set_timeout(exporter->http, EXPORTER_SECONDS);
    evhttp_set_max_headers_size(exporter->http, HEADERS_MAX);
    evhttp_set_max_body_size(exporter->http, BODY_MAX);
    evhttp_set_allowed_methods(exporter->http, UINT16_MAX); /* refused in our words */
    bound = evhttp_accept_socket_with_handle(exporter->http, fd);
    if (bound == NULL)
        return false;
    exporter->listener = evhttp_bound_socket_get_listener(bound);
    evconnlistener_set_error_cb(exporter->listener, on_accept_error);
    return true;
}

struct exporter *exporter_new(struct event_base *base, int fd, const struct control_daemon *daemon)
{
    struct exporter *exporter = calloc(1, sizeof(*exporter));

    if (exporter != NULL) {
        exporter->daemon = daemon;
        LIST_INSERT_HEAD(&exporters, exporter, link);
    }
    if (exporter != NULL && open_http(exporter, base, fd))
        return exporter;
    exporter_free(exporter);
    close(fd);
    return NULL;
}

void exporter_free(struct exporter *exporter)
{
    if (exporter == NULL)
        return;
    LIST_REMOVE(exporter, link);
    if (exporter->http != NULL)
        evhttp_free(exporter->http);
    if (exporter->sweep != NULL)
        event_free(exporter->sweep);
    for (size_t i = 0; i < EXPORTER_CLIENTS; i++) {
        if (exporter->seats[i].connection != NULL)
            bufferevent_decref(exporter->seats[i].connection);
    }
    for (size_t i = 0; i < METRICS_FORMAT_COUNT; i++)
        free(exporter->pages[i].text);
    free(exporter);
}
