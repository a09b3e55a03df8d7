/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all paths of the engine are told: what is in force, and what is asked of their threads. */
#include "engine.h"

#include "ipmodd/log/fields.h"

#include <errno.h>
#include <sys/random.h>

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

int engine_seed(struct engine *engine)
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

void engine_choose_merge(struct engine *engine)
{
    struct merging merging = {.mode = engine->loaded.config->tun.merge};

    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT; i++) {
        if (divert_has_offload(engine->divert, i))
            merging.classes |= 1u << i;
    }
    engine_call(engine, set_merge, &merging);
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
    exchange.busy_poll_ns = engine_busy_poll_ns(engine);
    engine_call(engine, exchange_rules, &exchange);
    capturing_follow(&engine->capturing, engine->loaded.ruleset);
    if (has_new_seed(&old.config->main, &engine->loaded.config->main))
        engine_seed(engine);
    engine_report(engine); /* events may still speak of the old rules, and so may records */
    watching_drain(&engine->watching, SIZE_MAX);
    *ret_old = old;
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

static void tell_given_up(const struct engine *engine, enum offload_class class)
{
    struct log_fields fields = {.count = 0};

    log_fields_add(&fields, "IPMODD_DEVICE", "%s", engine->loaded.config->tun.name);
    log_fields_add(&fields, "IPMODD_OFFLOAD", "%s", offload_class_name(class));
    log_write(LEVEL_WARNING, LOG_ID_OFFLOAD_GIVEN_UP, &fields,
              "the kernel refuses super-packets of %s; going on without",
              offload_class_name(class));
}

void engine_judge_offloads(struct engine *engine)
{
    uint64_t refused[OFFLOAD_CLASS_COUNT];

    engine_count_refused(engine, refused);
    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT; i++) {
        if (refused[i] >= REFUSALS_MAX && divert_give_up_offload(engine->divert, i) > 0)
            tell_given_up(engine, i);
    }
    engine_choose_merge(engine);
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
