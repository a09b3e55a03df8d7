/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life of the engine. */
#include "engine.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "ipmodd/base/text_stream.h"
#include "ipmodd/datapath/shards.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>

uint64_t engine_busy_poll_ns(const struct engine *engine)
{
    return UINT64_C(1000) * engine->loaded.config->tun.busy_poll_us;
}

static int add_worker(struct engine *engine)
{
    unsigned number = engine->worker_count;
    struct mover mover;
    int error;

    if (mover_init(&mover, divert_tun_fd(engine->divert, number), engine->loaded.ruleset,
                   engine->view) < 0)
        return -ENOMEM;
    mover.busy_poll_ns = engine_busy_poll_ns(engine);
    if (engine->shards != NULL)
        path_join(mover.path, engine->shards, number);
    capturing_add_mover(&engine->capturing, &mover);
    error = worker_new(number, &mover, engine->notice_fd, &engine->workers[number]);
    if (error < 0)
        return error;
    worker_follow_bells(engine->workers[number], engine->bells);
    engine->bells[number] = worker_bell(engine->workers[number]);
    engine->worker_count++;
    return 0;
}

/* What the paths of several workers share of flows, whether rules follow any now or after a reload.
 */
static int make_shards(struct engine *engine)
{
    unsigned queues = engine->loaded.config->tun.queues;
    uint64_t seed;

    if (queues == 1)
        return 0;
    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        return -EIO;
    engine->shards = shards_new(queues, queues * (size_t)engine->loaded.ruleset->flows.max, seed);
    return engine->shards != NULL ? 0 : -ENOMEM;
}

static int make_workers(struct engine *engine)
{
    int error = make_shards(engine);

    engine->view = host_view_ref(divert_host_view(engine->divert));
    while (engine->worker_count < engine->loaded.config->tun.queues && error == 0)
        error = add_worker(engine);
    return error < 0 ? error : engine_seed(engine);
}

/* What is made before anything is changed on this host. */
static int open_engine(struct engine *engine)
{
    int error = loader_open(&engine->loader);

    if (error == 0)
        error = capturing_open(&engine->capturing, engine->loaded.config->tun.name);
    engine->notice_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (error == 0 && engine->notice_fd < 0)
        error = -errno;
    return error;
}

int engine_start(struct engine *engine, const char *file, struct loaded *loaded)
{
    int error;

    *engine = (struct engine){
        .file = file,
        .loaded = *loaded,
        .notice_fd = -1,
        .reporter = reporter_make(),
    };
    *loaded = (struct loaded){.config = NULL};
    error = open_engine(engine);
    if (error == 0)
        error = divert_start(engine->loaded.config, &engine->divert);
    if (error == 0)
        error = make_workers(engine);
    if (error < 0)
        engine_stop(engine);
    else
        engine_choose_merge(engine);
    return error;
}

int engine_run(struct engine *engine)
{
    int error = 0;

    for (unsigned i = 0; i < engine->worker_count && error == 0; i++)
        error = worker_start(engine->workers[i]);
    if (error == 0)
        capturing_follow(&engine->capturing, engine->loaded.ruleset);
    return error;
}

/* What is on its way through the tun device is still moved. */
static void stop_workers(struct engine *engine)
{
    for (unsigned i = 0; i < engine->worker_count; i++)
        worker_leave(engine->workers[i]);
    for (unsigned i = 0; i < engine->worker_count; i++)
        worker_join(engine->workers[i]);
    for (unsigned i = 0; i < engine->worker_count; i++)
        worker_leave(engine->workers[i]); /* what others still had for it */
    engine_report(engine);
}

int engine_stop(struct engine *engine)
{
    bool is_written;
    int error;

    if (engine->divert != NULL) {
        divert_withdraw(engine->divert); /* divert_stop() fails the same way, and says so */
        stop_workers(engine);
    }
    error = divert_stop(TAKE_PTR(engine->divert));
    is_written = capturing_close(&engine->capturing) == 0;
    while (is_written && engine->worker_count > 0)
        worker_free(engine->workers[--engine->worker_count]);
    if (engine->worker_count == 0)
        shards_free(TAKE_PTR(engine->shards));
    host_view_free(TAKE_PTR(engine->view));
    loader_close(&engine->loader); /* the traffic need not wait for it */
    if (engine->notice_fd >= 0)
        close(TAKE_FD(engine->notice_fd));
    loaded_clear(&engine->loaded);
    remarks_clear(&engine->told);
    return error;
}

void engine_tell_remarks(struct engine *engine)
{
    remarks_tell(divert_remarks(engine->divert), &engine->told);
}

/* "out, forward" */
static void print_directions(FILE *out, unsigned directions)
{
    const char *separator = "";

    for (enum direction i = 0; i < DIRECTION_COUNT; i++) {
        if ((directions & (1u << i)) == 0)
            continue;
        fprintf(out, "%s%s", separator, direction_name(i));
        separator = ", ";
    }
}

const char *engine_describe(const struct engine *engine, char *text, size_t size)
{
    CLEANUP(cleanup_file) FILE *out = text_stream_into(text, size);
    const struct config *config = engine->loaded.config;
    size_t rules = engine->loaded.ruleset->rule_count;

    if (out == NULL)
        return text;
    fputs("Diverting ", out);
    print_directions(out, config->divert.directions);
    fprintf(out, " through %s, %zu rule%s", config->tun.name, rules, text_plural(rules));
    return text;
}
