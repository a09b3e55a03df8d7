/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds what is in force and moves packets through it. */
#include "engine.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/log/log.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum {
    /* Of one wake-up: long enough to make the wake-up cheap, short enough (some hundred
     * microseconds) for signals, timers and the monitor. */
    WAKEUP_PACKETS = 4 * BATCH_PACKETS,
    WAKEUP_BATCHES = 16, /* of super-packets, which fill a batch by their bytes */
    REFUSALS_MAX = 3, /* super-packets that the kernel may refuse before their class is given up */
    BATCHES_AT_STOP = 512, /* more than tun0's queue of 500 packets, were each of them a batch */
};

/* Random numbers begin at the seed of the configuration, or somewhere. */
static int seed_path(struct path *path, const struct config_main *config)
{
    uint64_t seed = config->seed;

    if (!config->seeded && getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        return -EIO;
    path_set_seed(path, seed);
    return 0;
}

/* Nothing is merged that the kernel could not take apart. */
static void choose_merge(struct engine *engine)
{
    unsigned classes = 0;

    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT; i++) {
        if (divert_has_offload(engine->divert, i))
            classes |= 1u << i;
    }
    path_set_merge(engine->path, engine->loaded.config->tun.merge, classes);
}

int engine_start(struct engine *engine, const char *file, struct loaded *loaded)
{
    int error;

    *engine = (struct engine){.file = file, .loaded = *loaded, .reporter = reporter_make()};
    *loaded = (struct loaded){.config = NULL};
    zone_load(&engine->zone);
    engine->batch = batch_new();
    error = engine->batch != NULL ? divert_start(engine->loaded.config, &engine->divert) : -ENOMEM;
    if (error == 0) {
        engine->path = path_new(engine->loaded.ruleset, divert_host_view(engine->divert));
        error = engine->path != NULL ? seed_path(engine->path, &engine->loaded.config->main)
                                     : -ENOMEM;
    }
    if (error < 0)
        engine_stop(engine);
    else
        choose_merge(engine);
    return error;
}

/* Whether ERROR of a tun descriptor says that its device is gone, rather than this packet bad. */
static bool device_is_gone(int error)
{
    return error == -EBADFD || error == -EBADF || error == -ENODEV;
}

/* A class whose super-packets the kernel keeps refusing costs a failed write for each. */
static void judge_offloads(struct engine *engine)
{
    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT; i++) {
        if (path_offload_refused(engine->path, i) < REFUSALS_MAX)
            continue;
        if (divert_give_up_offload(engine->divert, i) > 0)
            log_warning(LOG_ID_OFFLOAD_GIVEN_UP,
                        "the kernel refuses super-packets of %s; going on without",
                        offload_class_name(i));
    }
    choose_merge(engine);
}

/* Number of packets moved, or the -errno of a dead descriptor. */
static ssize_t move_batch(struct engine *engine, int tun_fd)
{
    uint64_t refused = path_counters(engine->path)->gso_refused;
    struct moment now;
    ssize_t count;
    int error;

    batch_reset(engine->batch);
    count = batch_read(engine->path, engine->batch, tun_fd);
    if (count <= 0)
        return count;
    now = clock_read(&engine->zone);
    path_run(engine->path, engine->batch, &now);
    error = batch_write(engine->path, engine->batch, tun_fd);
    report_events(&engine->reporter, path_events(engine->path));
    if (path_counters(engine->path)->gso_refused != refused)
        judge_offloads(engine);
    return device_is_gone(error) ? error : count;
}

/* What is on its way through tun0 is still moved; nothing new comes in. */
static void let_packets_out(struct engine *engine)
{
    if (divert_withdraw(engine->divert) < 0)
        return; /* divert_stop() fails the same way, and says so */
    for (int i = 0; i < BATCHES_AT_STOP; i++) {
        if (move_batch(engine, divert_tun_fd(engine->divert)) <= 0)
            return;
    }
}

int engine_stop(struct engine *engine)
{
    int error;

    if (engine->path != NULL && engine->divert != NULL)
        let_packets_out(engine);
    error = divert_stop(TAKE_PTR(engine->divert));
    path_free(TAKE_PTR(engine->path));
    batch_free(TAKE_PTR(engine->batch));
    loaded_clear(&engine->loaded);
    remarks_clear(&engine->told);
    return error;
}

int engine_move_packets(struct engine *engine)
{
    int tun_fd = divert_tun_fd(engine->divert);
    ssize_t moved = 0;

    for (int i = 0; i < WAKEUP_BATCHES && moved < WAKEUP_PACKETS; i++) {
        ssize_t count = move_batch(engine, tun_fd);

        if (count < 0)
            return (int)count;
        if (!batch_is_full(engine->batch))
            return 0;
        moved += count;
    }
    return 1;
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
    CLEANUP(cleanup_file) FILE *out = fmemopen(text, size - 1, "w");
    const struct config *config = engine->loaded.config;
    size_t rules = engine->loaded.ruleset->rule_count;

    memset(text, 0, size); /* a full stream adds no NUL */
    if (out == NULL)
        return text;
    fputs("Diverting ", out);
    print_directions(out, config->divert.directions);
    fprintf(out, " through %s, %zu rule%s", config->tun.name, rules, rules == 1 ? "" : "s");
    return text;
}
