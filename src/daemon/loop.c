/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waits for netlink, the workers, time and signals, and hands each to whom it concerns. */
#include "loop.h"

#include "announce.h"
#include "eventing.h"
#include "ipmodd/base/macro.h"
#include "notify.h"
#include "reload.h"
#include "rounds.h"
#include "statistics.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

enum {
    RETRY_MS = 1000,       /* before asking a failed monitor again */
    RECORDS_AT_ONCE = 256, /* for watchers, before others have a turn: some milliseconds */
};

/* While somebody watches flows, how often it is looked whether some have had their time. */
static const struct timeval sweep_interval = {.tv_usec = 250000};

/* While packets come, how often the rounds are made. */
static const struct timeval round_interval = {.tv_sec = 1};

struct loop {
    struct engine *engine;
    struct service *service;
    struct reload reload;
    struct event_base *base;
    struct event *notices; /* of the workers */
    struct event *loaded;
    struct event *deadline; /* of a configuration that is to be confirmed */
    struct event *records;  /* armed while taps have more than was handed out in one go */
    struct event *sweep;    /* armed while flows are watched */
    struct event *monitor;
    struct event *tick;     /* divert_timeout_ms(), or RETRY_MS after a failure */
    struct event *look;     /* for rounds; armed by packets, so that an idle process sleeps */
    struct event *watchdog; /* NULL without one */
    struct event *signals[4];
    struct announcer announcer;
    struct rounds rounds;
    bool queues_dead; /* not all are read: dead ones would be readable for ever */
};

static const int served_signals[] = {SIGHUP, SIGUSR1, SIGTERM, SIGINT};
static_assert(ARRAY_SIZE(served_signals) == ARRAY_SIZE(((struct loop *)NULL)->signals),
              "one event a signal");

sigset_t loop_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(served_signals); i++)
        sigaddset(&set, served_signals[i]);
    return set;
}

static struct timeval milliseconds(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static void arm_tick(struct loop *loop, int64_t ms)
{
    struct timeval wait = milliseconds(ms);

    if (ms < 0)
        event_del(loop->tick);
    else
        event_add(loop->tick, &wait);
}

/* All queues are read unless the device is known to be gone, also after a failure to read that had
 * another cause. */
static void follow_device(struct loop *loop)
{
    if (!loop->queues_dead || !divert_has_tun(loop->engine->divert))
        return;
    loop->queues_dead = false;
    engine_resume(loop->engine);
}

/* Acts on what a call of the diversion brought. */
static void follow(struct loop *loop, int error, const struct divert_news *news)
{
    struct divert *divert = loop->engine->divert;

    if (news->host_view_changed)
        engine_publish_view(loop->engine);
    if (news->remarks_changed)
        engine_tell_remarks(loop->engine);
    follow_device(loop);
    announcer_tell(&loop->announcer, loop->engine, news);
    if (error == 0) {
        event_add(loop->monitor, NULL);
        arm_tick(loop, divert_timeout_ms(divert));
        return;
    }
    if (!news->incomplete)
        announcer_tell_failure(&loop->announcer, loop->engine);
    event_del(loop->monitor); /* it may stay readable: no spinning on what keeps failing */
    arm_tick(loop, RETRY_MS);
}

static void on_monitor(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;
    struct divert_news news = {.repaired = false};
    int error = divert_dispatch(loop->engine->divert, &news);

    (void)fd;
    (void)what;
    follow(loop, error, &news);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;
    struct divert_news news = {.repaired = false};
    int error = divert_tick(loop->engine->divert, &news);

    (void)fd;
    (void)what;
    follow(loop, error, &news);
}

static void on_records(evutil_socket_t fd, short what, void *context)
{
    static const struct timeval now = {.tv_sec = 0};
    struct loop *loop = context;

    (void)fd;
    (void)what;
    if (watching_drain(&loop->engine->watching, RECORDS_AT_ONCE))
        event_add(loop->records, &now);
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;

    (void)fd;
    (void)what;
    if (!watching_has_flows(&loop->engine->watching))
        return;
    watching_sweep(&loop->engine->watching);
    event_add(loop->sweep, &sweep_interval);
}

static void on_notices(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;
    eventfd_t count;
    unsigned notices;

    (void)what;
    eventfd_read(fd, &count);
    notices = engine_take_notices(loop->engine, NOTICES_URGENT);
    if (event_pending(loop->look, EV_TIMEOUT, NULL) == 0)
        event_add(loop->look, &round_interval);
    if (watching_has_flows(&loop->engine->watching) &&
        event_pending(loop->sweep, EV_TIMEOUT, NULL) == 0)
        event_add(loop->sweep, &sweep_interval);
    if ((notices & NOTICE_EVENTS) != 0)
        engine_report(loop->engine);
    if ((notices & NOTICE_REFUSED) != 0)
        engine_judge_offloads(loop->engine);
    if ((notices & NOTICE_WATCH) != 0)
        on_records(-1, 0, loop);
    if ((notices & NOTICE_TUN_DEAD) == 0)
        return;
    loop->queues_dead = true;
    divert_tun_failed(loop->engine->divert);
    arm_tick(loop, divert_timeout_ms(loop->engine->divert));
}

static void on_loaded(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;

    (void)fd;
    (void)what;
    reload_finish(&loop->reload);
    arm_tick(loop, 0); /* the diversion may have done work of its own on the way */
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;

    (void)fd;
    (void)what;
    reload_expire(&loop->reload);
}

static void on_look(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;

    (void)fd;
    (void)what;
    if (rounds_go(&loop->rounds))
        event_add(loop->look, &round_interval);
}

static void on_watchdog(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;

    (void)fd;
    (void)what;
    engine_beat(loop->engine); /* one that is stuck is waited for until the watchdog ends it */
    notify_watchdog();
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    struct loop *loop = context;

    (void)what;
    if (number == SIGHUP) {
        reload_request(&loop->reload, &(struct requester){.is_known = false});
    } else if (number == SIGUSR1) {
        statistics_log(loop->engine);
        capturing_log_statistics(&loop->engine->capturing);
    } else {
        event_base_loopbreak(loop->base);
    }
}

static struct event *watch(struct loop *loop, int fd, short what, event_callback_fn callback,
                           const struct timeval *wait)
{
    return eventing_watch(loop->base, fd, what, callback, loop, wait);
}

static int watch_signals(struct loop *loop)
{
    for (size_t i = 0; i < ARRAY_SIZE(served_signals); i++) {
        loop->signals[i] = watch(loop, served_signals[i], EV_SIGNAL | EV_PERSIST, on_signal, NULL);
        if (loop->signals[i] == NULL)
            return -ENOMEM;
    }
    return 0;
}

static int watch_descriptors(struct loop *loop)
{
    struct engine *engine = loop->engine;
    const short readable = EV_READ | EV_PERSIST;

    loop->notices = watch(loop, engine->notice_fd, readable, on_notices, NULL);
    loop->loaded = watch(loop, engine->loader.done_fd, readable, on_loaded, NULL);
    loop->deadline = watch(loop, loop->reload.trial.deadline_fd, readable, on_deadline, NULL);
    loop->monitor = watch(loop, divert_monitor_fd(engine->divert), readable, on_monitor, NULL);
    if (loop->notices == NULL || loop->loaded == NULL || loop->deadline == NULL ||
        loop->monitor == NULL)
        return -ENOMEM;
    return 0;
}

static int watch_time(struct loop *loop)
{
    int64_t half_ms = (int64_t)(notify_watchdog_usec() / 2000);
    struct timeval half = milliseconds(half_ms);
    struct timeval now = milliseconds(0);

    loop->records = watch(loop, -1, 0, on_records, &now);
    loop->sweep = watch(loop, -1, 0, on_sweep, &now);
    loop->tick = watch(loop, -1, 0, on_tick, &now);
    loop->look = watch(loop, -1, 0, on_look, &round_interval);
    if (loop->records == NULL || loop->sweep == NULL || loop->tick == NULL || loop->look == NULL)
        return -ENOMEM;
    if (half_ms == 0)
        return 0;
    loop->watchdog = watch(loop, -1, EV_PERSIST, on_watchdog, &half);
    return loop->watchdog != NULL ? 0 : -ENOMEM;
}

static int loop_open(struct loop *loop, struct engine *engine, struct service *service)
{
    int error;

    *loop = (struct loop){
        .engine = engine,
        .service = service,
        .announcer = announcer_make(),
        .rounds = rounds_make(engine, service),
    };
    error = reload_open(&loop->reload, engine);
    if (error == 0)
        error = eventing_new_base(1, &loop->base);
    if (error < 0)
        return error;
    if (watch_signals(loop) < 0 || watch_descriptors(loop) < 0 || watch_time(loop) < 0)
        return -ENOMEM;
    return service_start(service, loop->base, &loop->reload);
}

int loop_new(struct engine *engine, struct service *service, struct loop **ret_loop)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    int error;

    if (loop == NULL)
        return -ENOMEM;
    error = loop_open(loop, engine, service);
    if (error < 0) {
        loop_free(loop);
        return error;
    }
    *ret_loop = loop;
    return 0;
}

void loop_free(struct loop *loop)
{
    service_stop(loop->service);
    for (size_t i = 0; i < ARRAY_SIZE(loop->signals); i++)
        eventing_forget(loop->signals[i]);
    eventing_forget(loop->watchdog);
    eventing_forget(loop->look);
    eventing_forget(loop->tick);
    eventing_forget(loop->sweep);
    eventing_forget(loop->records);
    eventing_forget(loop->monitor);
    eventing_forget(loop->deadline);
    eventing_forget(loop->loaded);
    eventing_forget(loop->notices);
    reload_close(&loop->reload);
    if (loop->base != NULL)
        event_base_free(loop->base);
    free(loop);
}

int loop_run(struct loop *loop)
{
    sigset_t signals = loop_signals();
    int r;

    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    r = event_base_dispatch(loop->base);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return r < 0 ? -EIO : 0;
}
