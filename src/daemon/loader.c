/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads a configuration beside everything else. */
#include "loader.h"

#include "ipmodd/base/macro.h"
#include "thread.h"

#include <errno.h>
#include <sys/eventfd.h>

int loader_open(struct loader *loader)
{
    *loader = (struct loader){.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    return loader->done_fd >= 0 ? 0 : -errno;
}

/* What each path exchanges for its rules. 0 or -ENOMEM. */
static int prepare_rules(struct loader *loader)
{
    for (unsigned i = 0; i < loader->task.paths; i++) {
        loader->rules[i] = path_rules_new(loader->loaded.ruleset, loader->task.present);
        if (loader->rules[i] == NULL)
            return -ENOMEM;
    }
    return 0;
}

static int load(struct loader *loader)
{
    if (loader->task.given_texts != NULL)
        return given_load(loader->task.given_texts, &loader->cancelled, &loader->problems,
                          &loader->loaded);
    if (loader->task.given.config == NULL)
        return load_configuration_until(loader->task.file, &loader->cancelled, &loader->problems,
                                        &loader->loaded);
    loader->loaded = loader->task.given;
    return 0;
}

static void *run(void *context)
{
    struct loader *loader = context;

    loader->error = load(loader);
    if (loader->error == 0)
        loader->error = prepare_rules(loader);
    eventfd_write(loader->done_fd, 1);
    return NULL;
}

int loader_begin(struct loader *loader, const struct loader_task *task)
{
    int error;

    loader->task = *task;
    atomic_store(&loader->cancelled, false);
    error = thread_start(&loader->thread, "ipmodd-loader", run, loader);
    loader->running = error == 0;
    return error;
}

void loader_cancel(struct loader *loader)
{
    atomic_store(&loader->cancelled, true);
}

void loader_end(struct loader *loader)
{
    eventfd_t count;

    pthread_join(loader->thread, NULL);
    loader->running = false;
    eventfd_read(loader->done_fd, &count);
}

void loader_clear(struct loader *loader)
{
    for (unsigned i = 0; i < QUEUES_MAX; i++)
        path_rules_free(TAKE_PTR(loader->rules[i]));
    loaded_clear(&loader->loaded);
    problems_clear(&loader->problems);
}

void loader_close(struct loader *loader)
{
    loader_cancel(loader);
    if (loader->running)
        loader_end(loader);
    loader_clear(loader);
    if (loader->done_fd >= 0)
        close(TAKE_FD(loader->done_fd));
}
