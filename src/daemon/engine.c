/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life of the engine, and how what is in force passes to its threads. */
#include "engine.h"

#include "clock.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/shards.h"
#include "ipmodd/log/log.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>

/* Entries of a flow table: some hundred microseconds. */
enum { SWEPT_AT_ONCE = 4096 };

/* Super-packets that the kernel may refuse before their class is given up. */
enum { REFUSALS_MAX = 3 };

void engine_call(struct engine *engine, void (*function)(struct mover *mover, void *argument),
                 void *argument)
{
    for (unsigned i = 0; i < engine->worker_count; i++)
        worker_call(engine->workers[i], function, argument);
}

/* Each path has random numbers of its own, the first one those of the seed. */
static void set_seed(struct mover *mover, void *argument)
{
    uint64_t *next = argument;

    path_set_seed(mover->path, (*next)++);
}

/* Random numbers begin at the seed of the configuration, or somewhere. */
static int seed_paths(struct engine *engine)
{
    uint64_t seed = engine->loaded.config->main.seed;

    if (!engine->loaded.config->main.seeded && getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        return -EIO;
    engine_call(engine, set_seed, &seed);
    return 0;
}

struct merging {
    enum merge_mode mode;
    unsigned classes;
};

static void set_merge(struct mover *mover, void *argument)
{
    const struct merging *merging = argument;

    path_set_merge(mover->path, merging->mode, merging->classes);
}

/* Nothing is merged that the kernel could not take apart. */
static void choose_merge(struct engine *engine)
{
    struct merging merging = {.mode = engine->loaded.config->tun.merge};

    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT; i++) {
        if (divert_has_offload(engine->divert, i))
            merging.classes |= 1u << i;
    }
    engine_call(engine, set_merge, &merging);
}

static uint64_t busy_poll_ns(const struct engine *engine)
{
    return UINT64_C(1000) * engine->loaded.config->tun.busy_poll_us;
}

static int add_worker(struct engine *engine)
{
    unsigned number = engine->worker_count;
    struct mover mover;

    if (mover_init(&mover, divert_tun_fd(engine->divert, number), engine->loaded.ruleset,
                   engine->view) < 0)
        return -ENOMEM;
    mover.busy_poll_ns = busy_poll_ns(engine);
    if (engine->shards != NULL)
        path_join(mover.path, engine->shards, number);
    capturing_add_mover(&engine->capturing, &mover);
    engine->workers[number] = worker_new(number, &mover, engine->notice_fd);
    if (engine->workers[number] == NULL)
        return -ENOMEM;
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
    return error < 0 ? error : seed_paths(engine);
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
        choose_merge(engine);
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

static void set_view(struct mover *mover, void *argument)
{
    path_set_host_view(mover->path, argument);
}

void engine_publish_view(struct engine *engine)
{
    struct host_view *view;

    if (divert_host_view(engine->divert) == engine->view)
        return;
    view = host_view_ref(divert_host_view(engine->divert));
    engine_call(engine, set_view, view);
    host_view_free(engine->view);
    engine->view = view;
}

struct exchange {
    struct path_rules *const *next; /* of the paths in the order of their numbers */
    struct zone zone;
    uint64_t busy_poll_ns;
};

static void exchange_rules(struct mover *mover, void *argument)
{
    struct exchange *exchange = argument;

    path_exchange_rules(mover->path, *exchange->next++);
    mover->zone = exchange->zone;
    mover->busy_poll_ns = exchange->busy_poll_ns;
}

/* A seed that is new begins at once; the same one goes on. */
static bool has_new_seed(const struct config_main *old, const struct config_main *new)
{
    return new->seeded && (!old->seeded || old->seed != new->seed);
}

void engine_publish_rules(struct engine *engine, struct loaded *fresh,
                          struct path_rules *const *rules, struct loaded *ret_old)
{
    struct exchange exchange = {.next = rules};
    struct loaded old = engine->loaded;

    engine->loaded = *fresh;
    *fresh = (struct loaded){.config = NULL};
    zone_load(&exchange.zone);
    exchange.busy_poll_ns = busy_poll_ns(engine);
    engine_call(engine, exchange_rules, &exchange);
    capturing_follow(&engine->capturing, engine->loaded.ruleset);
    if (has_new_seed(&old.config->main, &engine->loaded.config->main))
        seed_paths(engine);
    engine_report(engine); /* events may still speak of the old rules, and so may records */
    watching_drain(&engine->watching, SIZE_MAX);
    *ret_old = old;
}

unsigned engine_take_notices(struct engine *engine, unsigned notices)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < engine->worker_count; i++)
        taken |= worker_take_notices(engine->workers[i], notices);
    return taken;
}

static void add_counters(struct mover *mover, void *argument)
{
    path_add_counters(mover->path, argument);
}

void engine_count(struct engine *engine, struct path_counters *ret_sum)
{
    *ret_sum = (struct path_counters){.in = 0};
    engine_call(engine, add_counters, ret_sum);
}

static void add_refused(struct mover *mover, void *argument)
{
    uint64_t *sums = argument;

    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT; i++)
        sums[i] += path_offload_refused(mover->path, i);
}

void engine_count_refused(struct engine *engine, uint64_t ret_refused[OFFLOAD_CLASS_COUNT])
{
    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT; i++)
        ret_refused[i] = 0;
    engine_call(engine, add_refused, ret_refused);
}

static void sweep_flows(struct mover *mover, void *argument)
{
    const uint64_t *now_ns = argument;

    if (path_flows(mover->path) != NULL)
        flow_table_sweep(path_flows(mover->path), SWEPT_AT_ONCE, *now_ns);
}

void engine_sweep_flows(struct engine *engine)
{
    uint64_t now_ns = clock_now_ns();

    if (engine->shards != NULL)
        engine_call(engine, sweep_flows, &now_ns);
}

static void reset_rules(struct mover *mover, void *argument)
{
    (void)argument;
    path_reset_rule_counters(mover->path);
}

void engine_reset_rules(struct engine *engine)
{
    engine_call(engine, reset_rules, NULL);
}

struct switching {
    size_t rule;
    bool enabled;
};

static void enable_rule(struct mover *mover, void *argument)
{
    const struct switching *switching = argument;

    path_enable_rule(mover->path, switching->rule, switching->enabled);
}

void engine_enable_rule(struct engine *engine, size_t rule, bool enabled)
{
    struct switching switching = {.rule = rule, .enabled = enabled};

    engine_call(engine, enable_rule, &switching);
}

void engine_report(struct engine *engine)
{
    uint64_t lost = 0;

    for (unsigned i = 0; i < engine->worker_count; i++) {
        struct event_ring *events = worker_events(engine->workers[i]);

        report_events(events);
        lost += event_ring_lost(events);
    }
    report_loss(&engine->reporter, lost);
}

static void add_refusals(struct mover *mover, void *argument)
{
    uint64_t *refused = argument;

    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT; i++)
        refused[i] += path_offload_refused(mover->path, i);
}

void engine_judge_offloads(struct engine *engine)
{
    uint64_t refused[OFFLOAD_CLASS_COUNT] = {0};

    engine_call(engine, add_refusals, refused);
    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT; i++) {
        if (refused[i] >= REFUSALS_MAX && divert_give_up_offload(engine->divert, i) > 0)
            log_warning(LOG_ID_OFFLOAD_GIVEN_UP,
                        "the kernel refuses super-packets of %s; going on without",
                        offload_class_name(i));
    }
    choose_merge(engine);
}

void engine_resume(struct engine *engine)
{
    for (unsigned i = 0; i < engine->worker_count; i++)
        worker_resume(engine->workers[i]);
}

static void do_nothing(struct mover *mover, void *argument)
{
    (void)mover;
    (void)argument;
}

void engine_beat(struct engine *engine)
{
    engine_call(engine, do_nothing, NULL);
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
