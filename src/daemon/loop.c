/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waits for packets, netlink, time and signals, and hands each to whom it concerns. */
#include "loop.h"

#include "announce.h"
#include "clock.h"
#include "ipmodd/base/macro.h"
#include "losses.h"
#include "notify.h"
#include "reload.h"
#include "statistics.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>

/* libevent's priorities: a lower number goes first. */
enum {
    PRIORITY_CONTROL,
    PRIORITY_PACKETS,
    PRIORITY_COUNT,
};

enum {
    RETRY_MS = 1000, /* before asking a failed monitor again */
};

/* While packets come, how often it is looked at whether some were lost. */
static const struct timeval losses_interval = {.tv_sec = 1};

struct loop {
    struct engine *engine;
    struct event_base *base;
    struct event *tun;
    struct event *monitor;
    struct event *tick;     /* divert_timeout_ms(), or RETRY_MS after a failure */
    struct event *look;     /* for losses; armed by packets, so that an idle process sleeps */
    struct event *watchdog; /* NULL without one */
    struct event *signals[4];
    struct announcer announcer;
    struct losses losses;
    bool queue_was_long; /* since the last look */
    uint64_t tx_dropped; /* of the device, as last read */
    bool device_gone;    /* `tun` is not polled: it would be readable for ever */
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

/* Packets are waited for unless the device is known to be gone, also after a failure to read that
 * had another cause. */
static void follow_device(struct loop *loop, const struct divert_news *news)
{
    if (news->tun_lost)
        loop->device_gone = true;
    if (news->tun_restored)
        loop->device_gone = false;
    if (loop->device_gone)
        event_del(loop->tun);
    else
        event_add(loop->tun, NULL);
}

/* Acts on what a call of the diversion brought. */
static void follow(struct loop *loop, int error, const struct divert_news *news)
{
    struct divert *divert = loop->engine->divert;

    if (news->host_view_changed)
        path_set_host_view(loop->engine->path, divert_host_view(divert));
    if (news->remarks_changed)
        engine_tell_remarks(loop->engine);
    follow_device(loop, news);
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

static void on_packets(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;
    int moved;

    (void)fd;
    (void)what;
    if (event_pending(loop->look, EV_TIMEOUT, NULL) == 0)
        event_add(loop->look, &losses_interval);
    moved = engine_move_packets(loop->engine);
    loop->queue_was_long |= moved > 0;
    if (moved >= 0)
        return;
    event_del(loop->tun);
    divert_tun_failed(loop->engine->divert);
    arm_tick(loop, divert_timeout_ms(loop->engine->divert));
}

static void on_look(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;
    struct engine *engine = loop->engine;

    (void)fd;
    (void)what;
    /* A queue that was ever full is read in more than one go. The kernel answers with the lock of
     * all devices held, which others may hold for long, so it is asked then alone. */
    if (loop->queue_was_long)
        loop->tx_dropped = divert_tun_tx_dropped(engine->divert);
    loop->queue_was_long = false;
    if (losses_tell(&loop->losses, path_counters(engine->path), loop->tx_dropped,
                    engine->loaded.config->tun.name, clock_now_ns()))
        event_add(loop->look, &losses_interval);
}

static void on_watchdog(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context;
    notify_watchdog();
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    struct loop *loop = context;

    (void)what;
    if (number == SIGHUP) {
        reload_run(loop->engine);
        arm_tick(loop, 0); /* the diversion may have done work of its own on the way */
    } else if (number == SIGUSR1) {
        statistics_log(loop->engine->path, divert_tun_tx_dropped(loop->engine->divert));
    } else {
        event_base_loopbreak(loop->base);
    }
}

/* An event on FD (or -1) that is waited for from now on; NULL without memory. */
static struct event *watch(struct loop *loop, int fd, short what, event_callback_fn callback,
                           int priority, const struct timeval *wait)
{
    struct event *event = event_new(loop->base, fd, what, callback, loop);

    if (event == NULL)
        return NULL;
    if (event_priority_set(event, priority) == 0 && event_add(event, wait) == 0)
        return event;
    event_free(event);
    return NULL;
}

static int watch_signals(struct loop *loop)
{
    for (size_t i = 0; i < ARRAY_SIZE(served_signals); i++) {
        loop->signals[i] = watch(loop, served_signals[i], EV_SIGNAL | EV_PERSIST, on_signal,
                                 PRIORITY_CONTROL, NULL);
        if (loop->signals[i] == NULL)
            return -ENOMEM;
    }
    return 0;
}

static int watch_descriptors(struct loop *loop)
{
    struct divert *divert = loop->engine->divert;

    loop->tun = watch(loop, divert_tun_fd(divert), EV_READ | EV_PERSIST, on_packets,
                      PRIORITY_PACKETS, NULL);
    loop->monitor = watch(loop, divert_monitor_fd(divert), EV_READ | EV_PERSIST, on_monitor,
                          PRIORITY_CONTROL, NULL);
    return loop->tun != NULL && loop->monitor != NULL ? 0 : -ENOMEM;
}

static int watch_time(struct loop *loop)
{
    int64_t half_ms = (int64_t)(notify_watchdog_usec() / 2000);
    struct timeval half = milliseconds(half_ms);
    struct timeval now = milliseconds(0);

    loop->tick = watch(loop, -1, 0, on_tick, PRIORITY_CONTROL, &now);
    loop->look = watch(loop, -1, 0, on_look, PRIORITY_CONTROL, &losses_interval);
    if (loop->tick == NULL || loop->look == NULL)
        return -ENOMEM;
    if (half_ms == 0)
        return 0;
    loop->watchdog = watch(loop, -1, EV_PERSIST, on_watchdog, PRIORITY_CONTROL, &half);
    return loop->watchdog != NULL ? 0 : -ENOMEM;
}

static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        base = event_base_new_with_config(config);
    if (config != NULL)
        event_config_free(config);
    if (base == NULL || event_base_priority_init(base, PRIORITY_COUNT) == 0)
        return base;
    event_base_free(base);
    return NULL;
}

static int loop_open(struct loop *loop, struct engine *engine)
{
    *loop = (struct loop){
        .engine = engine,
        .announcer = announcer_make(),
        .losses = losses_make(),
    };
    loop->base = make_base();
    if (loop->base == NULL || watch_signals(loop) < 0 || watch_descriptors(loop) < 0 ||
        watch_time(loop) < 0)
        return -ENOMEM;
    return 0;
}

static void forget(struct event *event)
{
    if (event != NULL)
        event_free(event);
}

static void loop_close(struct loop *loop)
{
    for (size_t i = 0; i < ARRAY_SIZE(loop->signals); i++)
        forget(loop->signals[i]);
    forget(loop->watchdog);
    forget(loop->look);
    forget(loop->tick);
    forget(loop->monitor);
    forget(loop->tun);
    if (loop->base != NULL)
        event_base_free(loop->base);
}

int loop_run(struct engine *engine)
{
    sigset_t signals = loop_signals();
    struct loop loop;
    int error = loop_open(&loop, engine);

    if (error == 0) {
        sigprocmask(SIG_UNBLOCK, &signals, NULL);
        event_base_dispatch(loop.base);
        sigprocmask(SIG_BLOCK, &signals, NULL);
    }
    loop_close(&loop);
    return error;
}
