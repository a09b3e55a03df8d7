/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread of one queue: its event loop, calls and notices. */
#include "worker.h"

#include "eventing.h"
#include "ipmodd/base/macro.h"
#include "thread.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

enum {
    PRIORITY_CALLS,
    PRIORITY_PACKETS,
    PRIORITY_COUNT,
};

/* Others want a processor for longer than this, and will for some time. */
#define CROWDED_NS     UINT64_C(500000)
#define CROWD_LASTS_NS UINT64_C(100000000)

/* A transfer that filled a batch goes on for some time. */
#define BULK_LASTS_NS UINT64_C(10000000)

/* What the main thread asks. */
struct call {
    void (*function)(struct mover *mover, void *argument);
    void *argument;
};

struct worker {
    struct mover mover;
    unsigned number;
    uint64_t crowded_until_ns; /* no processor is idle */
    uint64_t refused;          /* of the path's counters, when it was noticed last */
    struct event_base *base;
    struct event *tun;
    struct event *wake;
    struct event *expiry; /* of what the path has waiting; pending only while it has */
    int wake_fd;
    int notice_fd; /* borrowed */
    atomic_uint notices;
    _Atomic(struct call *) call; /* NULL: none is asked */
    sem_t answered;
    atomic_bool leaving;
    pthread_t thread;
    bool started;
};

static void notice(struct worker *worker, unsigned notices)
{
    if ((atomic_fetch_or(&worker->notices, notices) & notices) != notices)
        eventfd_write(worker->notice_fd, 1);
}

unsigned worker_take_notices(struct worker *worker, unsigned notices)
{
    return atomic_fetch_and(&worker->notices, ~notices) & notices;
}

/* What others are to read, whatever has caused it. */
static void note_records(struct worker *worker)
{
    if (!event_ring_is_empty(path_events(worker->mover.path)))
        notice(worker, NOTICE_EVENTS);
    if (worker->mover.tap != NULL && !tap_is_empty(worker->mover.tap))
        notice(worker, NOTICE_WATCH);
}

/* After a wake-up for packets, with the outcome of mover_move(). */
static void note_outcome(struct worker *worker, int moved)
{
    uint64_t refused = path_counters(worker->mover.path)->gso_refused;
    unsigned looks = moved > 0 ? NOTICES_FOR_LOOKS : NOTICE_PACKETS;

    if ((atomic_load_explicit(&worker->notices, memory_order_relaxed) & looks) != looks)
        notice(worker, looks);
    note_records(worker);
    if (refused != worker->refused)
        notice(worker, NOTICE_REFUSED);
    worker->refused = refused;
}

/* Moves what the queue has, and tells of it. As mover_move(). */
static int move(struct worker *worker)
{
    uint64_t last_ns = worker->mover.end_ns;
    int moved = mover_move(&worker->mover);

    if (worker->mover.end_ns != last_ns || moved < 0)
        note_outcome(worker, moved);
    return moved;
}

static bool is_asked(const struct worker *worker)
{
    return atomic_load_explicit(&worker->call, memory_order_relaxed) != NULL ||
           atomic_load_explicit(&worker->leaving, memory_order_relaxed);
}

/*
 * Whether to look for the next packet rather than sleep: the last one came soon behind the one
 * before it, and the time until then is not over yet. Not beside a transfer of much data: its ends
 * want the processors, and who is woken gets one sooner than who waits for its turn.
 */
static bool should_stay_awake(const struct worker *worker)
{
    const struct mover *mover = &worker->mover;

    uint64_t now_ns = clock_monotonic_ns();

    return mover->pause_ns < mover->busy_poll_ns && now_ns >= worker->crowded_until_ns &&
           now_ns - mover->bulk_ns >= BULK_LASTS_NS &&
           now_ns - mover->end_ns < mover->busy_poll_ns && !is_asked(worker);
}

/*
 * Offers the processor to others first. One who then keeps it for long, a sender perhaps that fills
 * the queue meanwhile, has to make room for a thread that is woken, but not for one that yields.
 */
static int look_again(struct worker *worker)
{
    uint64_t start_ns = clock_monotonic_ns(), end_ns;

    sched_yield();
    end_ns = clock_monotonic_ns();
    if (end_ns - start_ns >= CROWDED_NS)
        worker->crowded_until_ns = end_ns + CROWD_LASTS_NS;
    return move(worker);
}

/* What waits on the path ends in time, also if no packet comes any more. */
static void follow_expiry(struct worker *worker)
{
    uint64_t end_ns = path_expires_ns(worker->mover.path), now_ns, left_us;
    struct timeval left;

    if (end_ns == UINT64_MAX || event_pending(worker->expiry, EV_TIMEOUT, NULL))
        return;
    now_ns = clock_monotonic_ns();
    left_us = end_ns > now_ns ? (end_ns - now_ns) / 1000 + 1 : 0;
    left = (struct timeval){(time_t)(left_us / 1000000), (suseconds_t)(left_us % 1000000)};
    event_add(worker->expiry, &left);
}

static void on_expiry(evutil_socket_t fd, short what, void *context)
{
    struct worker *worker = context;

    (void)fd;
    (void)what;
    mover_expire(&worker->mover);
    note_records(worker);
    follow_expiry(worker);
}

static void on_packets(evutil_socket_t fd, short what, void *context)
{
    struct worker *worker = context;
    int moved = move(worker);

    (void)fd;
    (void)what;
    while (moved == 0 && should_stay_awake(worker))
        moved = look_again(worker);
    follow_expiry(worker);
    if (moved > 0) /* an edge comes with the next packet alone */
        event_active(worker->tun, EV_READ, 0);
    if (moved >= 0)
        return;
    event_del(worker->tun);
    notice(worker, NOTICE_TUN_DEAD);
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    struct worker *worker = context;
    struct call *call;
    eventfd_t count;

    (void)what;
    eventfd_read(fd, &count);
    call = atomic_exchange(&worker->call, NULL);
    if (call != NULL) {
        call->function(&worker->mover, call->argument);
        sem_post(&worker->answered);
    }
    if (path_is_told(worker->mover.path))
        event_active(worker->tun, EV_READ, 0);
    if (atomic_load(&worker->leaving))
        event_base_loopbreak(worker->base);
}

static int open_events(struct worker *worker)
{
    int error;

    worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->wake_fd < 0)
        return -errno;
    error = eventing_new_base(PRIORITY_COUNT, &worker->base);
    if (error < 0)
        return error;
    worker->tun = event_new(worker->base, worker->mover.tun_fd, EV_READ | EV_PERSIST | EV_ET,
                            on_packets, worker);
    worker->wake = event_new(worker->base, worker->wake_fd, EV_READ | EV_PERSIST, on_wake, worker);
    worker->expiry = evtimer_new(worker->base, on_expiry, worker);
    if (worker->tun == NULL || worker->wake == NULL || worker->expiry == NULL)
        return -ENOMEM;
    event_priority_set(worker->tun, PRIORITY_PACKETS);
    event_priority_set(worker->expiry, PRIORITY_PACKETS);
    event_priority_set(worker->wake, PRIORITY_CALLS);
    return 0;
}

int worker_new(unsigned number, struct mover *mover, int notice_fd, struct worker **ret_worker)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    int error;

    if (worker == NULL) {
        mover_clear(mover);
        return -ENOMEM;
    }
    worker->number = number;
    worker->mover = *mover;
    worker->notice_fd = notice_fd;
    sem_init(&worker->answered, 0, 0);
    *mover = (struct mover){.path = NULL};
    error = open_events(worker);
    if (error < 0) {
        worker_free(worker);
        return error;
    }
    *ret_worker = worker;
    return 0;
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    eventing_forget(worker->tun);
    eventing_forget(worker->wake);
    eventing_forget(worker->expiry);
    if (worker->base != NULL)
        event_base_free(worker->base);
    if (worker->wake_fd >= 0)
        close(worker->wake_fd);
    sem_destroy(&worker->answered);
    mover_clear(&worker->mover);
    free(worker);
}

/*
 * The kernel counts references to a descriptor only where threads share their table of descriptors:
 * with a table of its own this one reads and writes as cheaply as a process without threads. All
 * descriptors that it needs are there already, and they stay for its whole life.
 */
static void *run(void *context)
{
    struct worker *worker = context;

    thread_own_descriptors(worker->mover.tun_fd);
    sem_post(&worker->answered);
    event_base_dispatch(worker->base);
    mover_drain(&worker->mover);
    return NULL;
}

static void await_answer(struct worker *worker)
{
    while (sem_wait(&worker->answered) < 0)
        continue; /* a signal came */
}

/* What is opened behind this is not in the thread's table. */
int worker_start(struct worker *worker)
{
    char name[16];
    int error;

    if (event_add(worker->tun, NULL) < 0 || event_add(worker->wake, NULL) < 0)
        return -ENOMEM;
    snprintf(name, sizeof(name), "ipmodd-queue%u", worker->number);
    error = thread_start(&worker->thread, name, run, worker);
    worker->started = error == 0;
    if (worker->started)
        await_answer(worker);
    return error;
}

void worker_call(struct worker *worker, void (*function)(struct mover *mover, void *argument),
                 void *argument)
{
    struct call call = {function, argument};

    if (!worker->started) {
        function(&worker->mover, argument);
        return;
    }
    atomic_store(&worker->call, &call);
    eventfd_write(worker->wake_fd, 1);
    await_answer(worker);
}

static void read_again(struct mover *mover, void *argument)
{
    struct worker *worker = argument;

    (void)mover;
    event_add(worker->tun, NULL);
}

void worker_resume(struct worker *worker)
{
    if (worker->started)
        worker_call(worker, read_again, worker);
}

int worker_bell(const struct worker *worker)
{
    return worker->wake_fd;
}

void worker_follow_bells(struct worker *worker, const int *bells)
{
    worker->mover.bells = bells;
}

struct event_ring *worker_events(struct worker *worker)
{
    return path_events(worker->mover.path);
}

struct path *worker_path(struct worker *worker)
{
    return worker->mover.path;
}

void worker_leave(struct worker *worker)
{
    atomic_store(&worker->leaving, true);
    if (worker->started)
        eventfd_write(worker->wake_fd, 1);
    else
        mover_drain(&worker->mover);
}

void worker_join(struct worker *worker)
{
    if (worker->started)
        pthread_join(worker->thread, NULL);
    worker->started = false;
}
