/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taps and watchers: their life times, and the way of a record. */
#include "watching.h"

#include "clock.h"
#include "ipmodd/base/macro.h"

#include <errno.h>

struct watcher {
    unsigned slot;
    void *reader;
    struct watch_wish wish;            /* with its filter */
    struct watch *watches[QUEUES_MAX]; /* one for each tap */
    uint64_t lost_told;
    uint64_t told; /* records */
    bool is_done;
};

enum { SWEPT_AT_ONCE = 4096 }; /* entries: some ten microseconds of a packet thread */

static void attach(struct mover *mover, void *argument)
{
    mover->tap = argument;
}

static void close_taps(struct watching *watching)
{
    for (unsigned i = 0; i < watching->tap_count; i++) {
        worker_call(watching->workers[i], attach, NULL);
        tap_free(TAKE_PTR(watching->taps[i]));
    }
    watching->tap_count = 0;
}

/* 0 or -ENOMEM with nothing opened. */
static int open_taps(struct watching *watching, struct worker *const *workers, unsigned count)
{
    watching->workers = workers;
    while (watching->tap_count < count) {
        unsigned i = watching->tap_count;

        watching->taps[i] = tap_new(worker_path(workers[i]), i);
        if (watching->taps[i] == NULL) {
            close_taps(watching);
            return -ENOMEM;
        }
        watching->tap_count++;
        worker_call(workers[i], attach, watching->taps[i]);
    }
    return 0;
}

static bool has_watchers(const struct watching *watching)
{
    for (unsigned i = 0; i < WATCHES_MAX; i++) {
        if (watching->watchers[i] != NULL)
            return true;
    }
    return false;
}

struct exchange {
    unsigned slot;
    struct watch *watch;
};

static void set_watch(struct mover *mover, void *argument)
{
    const struct exchange *exchange = argument;

    tap_set_watch(mover->tap, exchange->slot, exchange->watch);
}

static void set_watches(struct watching *watching, unsigned slot, struct watch *const *watches)
{
    for (unsigned i = 0; i < watching->tap_count; i++) {
        struct exchange exchange = {slot, watches != NULL ? watches[i] : NULL};

        worker_call(watching->workers[i], set_watch, &exchange);
    }
}

static void free_watcher(struct watcher *watcher)
{
    for (unsigned i = 0; i < QUEUES_MAX; i++)
        watch_free(watcher->watches[i]);
    filter_free(watcher->wish.filter);
    free(watcher);
}

/* Takes over the filter of WISH, also on failure. NULL without memory. */
static struct watcher *new_watcher(const struct watch_wish *wish, unsigned queues)
{
    struct watcher *watcher = calloc(1, sizeof(*watcher));

    if (watcher == NULL) {
        filter_free(wish->filter);
        return NULL;
    }
    watcher->wish = *wish;
    for (unsigned i = 0; i < queues; i++) {
        watcher->watches[i] = watch_new(&watcher->wish);
        if (watcher->watches[i] == NULL) {
            free_watcher(watcher);
            return NULL;
        }
    }
    return watcher;
}

static unsigned free_slot(const struct watching *watching)
{
    unsigned slot = 0;

    while (slot < WATCHES_MAX && watching->watchers[slot] != NULL)
        slot++;
    return slot;
}

static uint64_t count_lost(const struct watching *watching, unsigned slot)
{
    uint64_t lost = 0;

    for (unsigned i = 0; i < watching->tap_count; i++)
        lost += tap_lost(watching->taps[i], slot);
    return lost;
}

int watching_add(struct watching *watching, struct worker *const *workers, unsigned count,
                 const struct watch_wish *wish, void *reader, struct watcher **ret_watcher)
{
    unsigned slot = free_slot(watching);
    struct watcher *watcher;

    if (slot == WATCHES_MAX) {
        filter_free(wish->filter);
        return -EBUSY;
    }
    watcher = new_watcher(wish, count);
    if (watcher == NULL)
        return -ENOMEM;
    if (!has_watchers(watching) && open_taps(watching, workers, count) < 0) {
        free_watcher(watcher);
        return -ENOMEM;
    }
    watcher->slot = slot;
    watcher->reader = reader;
    watcher->lost_told = count_lost(watching, slot);
    watching->watchers[slot] = watcher;
    set_watches(watching, slot, watcher->watches);
    *ret_watcher = watcher;
    return 0;
}

void watching_remove(struct watching *watching, struct watcher *watcher)
{
    watching->watchers[watcher->slot] = NULL;
    set_watches(watching, watcher->slot, NULL);
    watching_drain(watching, SIZE_MAX); /* the next in its slot gets nothing that was for it */
    free_watcher(watcher);
    if (!has_watchers(watching))
        close_taps(watching);
}

static void tell(struct watching *watching, struct watcher *watcher,
                 const struct watch_record *record)
{
    const struct watch_wish *wish = &watcher->wish;

    if (wish->limit != 0 && watcher->told >= wish->limit)
        return; /* each path may tell as many */
    watcher->told++;
    watcher->is_done = wish->limit != 0 && watcher->told == wish->limit;
    watching->sink->tell(watcher->reader, record, wish);
}

static void hand_out(struct watching *watching, const struct watch_record *record)
{
    for (uint32_t left = record->watchers; left != 0; left &= left - 1) {
        struct watcher *watcher = watching->watchers[__builtin_ctz(left)];

        if (watcher != NULL)
            tell(watching, watcher, record);
    }
    json_decref(record->explanation);
}

/* Behind what was handed out: what is missing there, and the ends. */
static void settle(struct watching *watching)
{
    for (unsigned i = 0; i < WATCHES_MAX; i++) {
        struct watcher *watcher = watching->watchers[i];
        uint64_t lost;

        if (watcher == NULL)
            continue;
        lost = count_lost(watching, i);
        if (lost > watcher->lost_told)
            watching->sink->lose(watcher->reader, lost - watcher->lost_told);
        watcher->lost_told = lost;
        if (watcher->is_done)
            watching->sink->done(watcher->reader);
    }
}

bool watching_drain(struct watching *watching, size_t most)
{
    const struct watch_record *record;
    size_t left = most;
    bool more = false;

    for (unsigned i = 0; i < watching->tap_count; i++) {
        while (left > 0 && (record = tap_pop(watching->taps[i])) != NULL) {
            hand_out(watching, record);
            left--;
        }
        more |= !tap_is_empty(watching->taps[i]);
    }
    settle(watching);
    return more;
}

bool watching_has_flows(const struct watching *watching)
{
    for (unsigned i = 0; i < WATCHES_MAX; i++) {
        const struct watcher *watcher = watching->watchers[i];

        if (watcher != NULL && watcher->wish.kind == WATCH_FLOWS)
            return true;
    }
    return false;
}

static void sweep(struct mover *mover, void *argument)
{
    const uint64_t *now_ns = argument;
    struct flow_table *table = path_flows(mover->path);

    if (table != NULL)
        flow_table_sweep(table, SWEPT_AT_ONCE, *now_ns);
}

void watching_sweep(struct watching *watching)
{
    uint64_t now_ns = clock_monotonic_ns();

    for (unsigned i = 0; i < watching->tap_count; i++)
        worker_call(watching->workers[i], sweep, &now_ns);
    watching_drain(watching, SIZE_MAX);
}
