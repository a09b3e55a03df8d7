/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that empties rings into files, and what others ask of it. */
#include "ipmodd/capture/captures.h"

#include "file.h"
#include "ipmodd/base/clock.h"
#include "ipmodd/base/macro.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Names of captures. */
struct names {
    size_t count;
    char names[][CAPTURE_NAME_MAX + 1];
};

struct captures {
    struct record_ring *rings[QUEUES_MAX]; /* borrowed */
    size_t ring_count;
    int wake_fd;
    bool running;
    pthread_t thread;
    atomic_bool awake; /* the thread will look at the rings again */
    atomic_bool stopping;
    atomic_size_t homeless; /* records for whose capture there was no memory */

    pthread_mutex_t lock;         /* never held while something is written */
    struct names *wanted;         /* owned; what the rules name by now, until the thread takes it */
    struct capture_state *states; /* as of the last time that the rings were empty */
    size_t state_count;

    /* The thread's own. */
    struct capture_place place;
    struct capture_file **files;
    size_t file_count;
};

int captures_new(const char *directory, const char *interface, struct captures **ret_captures)
{
    struct captures *captures = calloc(1, sizeof(*captures));

    if (captures == NULL)
        return -ENOMEM;
    pthread_mutex_init(&captures->lock, NULL);
    captures->wake_fd = eventfd(0, EFD_CLOEXEC);
    captures->place = (struct capture_place){strdup(directory), strdup(interface), -1};
    if (captures->wake_fd < 0 || captures->place.directory == NULL ||
        captures->place.interface == NULL) {
        int error = captures->wake_fd < 0 ? -errno : -ENOMEM;

        captures_stop(captures, 0);
        return error;
    }
    *ret_captures = captures;
    return 0;
}

void captures_add_ring(struct captures *captures, struct record_ring *ring)
{
    assert(captures->ring_count < QUEUES_MAX && !captures->running);
    captures->rings[captures->ring_count++] = ring;
}

/* NULL without memory. */
static struct capture_file *file_of(struct captures *captures, const char *name)
{
    struct capture_file **files, *file;

    for (size_t i = 0; i < captures->file_count; i++) {
        if (strcmp(captures->files[i]->state.name, name) == 0)
            return captures->files[i];
    }
    files = reallocarray(captures->files, captures->file_count + 1, sizeof(*files));
    if (files == NULL)
        return NULL;
    captures->files = files;
    file = capture_file_new(name);
    if (file != NULL)
        files[captures->file_count++] = file;
    return file;
}

/* Ids of records are those of their ring; those of packets differ in all rings. */
static void empty_ring(struct captures *captures, size_t number)
{
    const struct capture_record *record;

    while ((record = record_ring_pop(captures->rings[number])) != NULL) {
        struct capture_file *file = file_of(captures, record->name);
        uint64_t id = record->id * captures->ring_count + number;

        if (file == NULL)
            atomic_fetch_add(&captures->homeless, 1);
        else
            capture_file_add(file, &captures->place, record, id, clock_monotonic_ns());
    }
}

static void empty_rings(struct captures *captures)
{
    for (size_t i = 0; i < captures->ring_count; i++)
        empty_ring(captures, i);
    for (size_t i = 0; i < captures->file_count; i++)
        capture_file_flush(captures->files[i]);
}

static bool has_name(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->names[i], name) == 0)
            return true;
    }
    return false;
}

/* Closes and forgets captures that WANTED does not name; without it, closes all of them. */
static void close_files(struct captures *captures, const struct names *wanted)
{
    size_t kept = 0;

    for (size_t i = 0; i < captures->file_count; i++) {
        struct capture_file *file = captures->files[i];
        bool is_wanted = wanted != NULL && has_name(wanted, file->state.name);

        if (!is_wanted)
            capture_file_close(file);
        if (is_wanted || wanted == NULL)
            captures->files[kept++] = file;
        else
            free(file);
    }
    captures->file_count = kept;
}

/* What others may know, as it is now. Without memory they know what they knew. */
static void publish(struct captures *captures)
{
    struct capture_state *states;

    pthread_mutex_lock(&captures->lock);
    states = reallocarray(captures->states, captures->file_count + 1, sizeof(*states));
    if (states != NULL) {
        for (size_t i = 0; i < captures->file_count; i++)
            states[i] = captures->files[i]->state;
        captures->states = states;
        captures->state_count = captures->file_count;
    }
    pthread_mutex_unlock(&captures->lock);
}

static struct names *take_wanted(struct captures *captures)
{
    struct names *wanted;

    pthread_mutex_lock(&captures->lock);
    wanted = TAKE_PTR(captures->wanted);
    pthread_mutex_unlock(&captures->lock);
    return wanted;
}

static void wait_for_wake(struct captures *captures)
{
    uint64_t count;

    while (read(captures->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
    (void)atomic_exchange(&captures->awake, false); /* and what was pushed before is seen */
}

/*
 * The names are taken before the rings are emptied: what older rules captured is in the rings by
 * then, and is written before its file is closed.
 */
static void *run(void *context)
{
    struct captures *captures = context;
    bool stopping = false;

    while (!stopping) {
        struct names *wanted;

        wait_for_wake(captures);
        stopping = atomic_load(&captures->stopping);
        wanted = take_wanted(captures);
        empty_rings(captures);
        if (wanted != NULL || stopping)
            close_files(captures, stopping ? NULL : wanted);
        free(wanted);
        publish(captures);
    }
    return NULL;
}

/* Signals are for the threads that wait for them. */
static int start(struct captures *captures)
{
    sigset_t all, old;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    error = pthread_create(&captures->thread, NULL, run, captures);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    captures->running = error == 0;
    return -error;
}

static void wake(struct captures *captures)
{
    const uint64_t one = 1;

    if (!atomic_exchange(&captures->awake, true) && write(captures->wake_fd, &one, sizeof(one)) < 0)
        atomic_store(&captures->awake, false); /* cannot be: the counter is far from its end */
}

static size_t count_captures(const struct ruleset *ruleset)
{
    size_t count = 0;

    for (size_t i = 0; i < ruleset->rule_count; i++)
        count += ruleset->rules[i].capture != NULL;
    return count;
}

int captures_follow(struct captures *captures, const struct ruleset *ruleset)
{
    size_t count = count_captures(ruleset);
    struct names *wanted, *old;

    if (count == 0 && !captures->running)
        return 0;
    wanted = calloc(1, sizeof(*wanted) + count * sizeof(wanted->names[0]));
    if (wanted == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < ruleset->rule_count; i++) {
        const struct rule_capture *capture = ruleset->rules[i].capture;

        if (capture != NULL)
            strcpy(wanted->names[wanted->count++], capture->name);
    }
    pthread_mutex_lock(&captures->lock);
    old = captures->wanted;
    captures->wanted = wanted;
    pthread_mutex_unlock(&captures->lock);
    free(old);
    wake(captures);
    return captures->running ? 0 : start(captures);
}

void captures_wake(struct captures *captures, const struct record_ring *ring)
{
    if (!record_ring_is_empty(ring))
        wake(captures);
}

bool captures_state(struct captures *captures, size_t index, struct capture_state *ret_state)
{
    bool is_there;

    pthread_mutex_lock(&captures->lock);
    is_there = index < captures->state_count;
    if (is_there)
        *ret_state = captures->states[index];
    pthread_mutex_unlock(&captures->lock);
    return is_there;
}

uint64_t captures_overflow(const struct captures *captures)
{
    uint64_t lost = atomic_load(&captures->homeless);

    for (size_t i = 0; i < captures->ring_count; i++)
        lost += record_ring_lost(captures->rings[i]);
    return lost;
}

static int join(struct captures *captures, unsigned timeout_ms)
{
    struct timespec end;

    clock_gettime(CLOCK_MONOTONIC, &end); /* the other one can be set back meanwhile */
    end.tv_sec += timeout_ms / 1000;
    end.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (end.tv_nsec >= 1000000000L) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000L;
    }
    return -pthread_clockjoin_np(captures->thread, NULL, CLOCK_MONOTONIC, &end);
}

static void free_all(struct captures *captures)
{
    for (size_t i = 0; i < captures->file_count; i++)
        free(captures->files[i]);
    free(captures->files);
    free(captures->states);
    free(captures->wanted);
    free(captures->place.directory);
    free(captures->place.interface);
    if (captures->place.fd >= 0)
        close(captures->place.fd);
    if (captures->wake_fd >= 0)
        close(captures->wake_fd);
    pthread_mutex_destroy(&captures->lock);
    free(captures);
}

int captures_stop(struct captures *captures, unsigned timeout_ms)
{
    if (captures == NULL)
        return 0;
    if (captures->running) {
        atomic_store(&captures->stopping, true);
        atomic_store(&captures->awake, false);
        wake(captures);
        if (join(captures, timeout_ms) < 0) {
            pthread_detach(captures->thread);
            return -ETIMEDOUT;
        }
    }
    free_all(captures);
    return 0;
}
