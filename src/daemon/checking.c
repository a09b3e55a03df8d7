/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads what somebody wants to know about. */
#include "checking.h"

#include "eventing.h"
#include "fixed.h"
#include "ipmodd/base/macro.h"

#include <errno.h>
#include <string.h>

enum { CHECK_SECONDS = 30, REFUSAL_TEXT = 512 };

int checking_open(struct checking *checking, struct engine *engine)
{
    *checking = (struct checking){.engine = engine};
    return loader_open(&checking->loader);
}

/* Who waited has hung up. */
static void on_gone(void *context)
{
    struct checking *checking = context;

    checking->client = NULL;
    loader_cancel(&checking->loader);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
    struct checking *checking = context;

    (void)fd;
    (void)what;
    loader_cancel(&checking->loader);
}

static void answer(const struct checking *checking)
{
    const struct loader *loader = &checking->loader;
    const struct loaded *present = &checking->engine->loaded;
    const struct loaded *wanted = loader->error == 0 ? &loader->loaded : NULL;
    char refusal[REFUSAL_TEXT];
    bool fixed = wanted != NULL &&
                 fixed_check(present->config, wanted->config, refusal, sizeof(refusal)) < 0;

    if (loader->error == -ECANCELED)
        control_refuse(checking->client, "failed", "given up after %d s", CHECK_SECONDS);
    else if (loader->error == -ENOMEM || loader->problems.out_of_memory)
        control_refuse(checking->client, "failed", "not enough memory for it");
    else
        control_reply(checking->client,
                      document_checked(&loader->problems, present, wanted, fixed ? refusal : NULL));
}

static void on_done(evutil_socket_t fd, short what, void *context)
{
    struct checking *checking = context;

    (void)fd;
    (void)what;
    event_del(checking->deadline);
    loader_end(&checking->loader);
    if (checking->client != NULL)
        answer(checking);
    checking->client = NULL;
    loader_clear(&checking->loader);
    given_clear(&checking->given);
}

int checking_serve(struct checking *checking, struct event_base *base)
{
    checking->done = eventing_watch(base, checking->loader.done_fd, EV_READ | EV_PERSIST, on_done,
                                    checking, NULL);
    checking->deadline = event_new(base, -1, 0, on_deadline, checking);
    return checking->done != NULL && checking->deadline != NULL ? 0 : -ENOMEM;
}

void checking_start(struct checking *checking, struct control_client *client, struct given *given)
{
    static const struct timeval patience = {.tv_sec = CHECK_SECONDS};
    const struct loader_task task = {.given_texts = &checking->given};
    int error;

    if (checking->loader.running || checking->engine->loader.running) {
        control_refuse(client, "busy", "%s is under way; try again",
                       checking->loader.running ? "another check" : "a reload");
        return;
    }
    checking->given = *given;
    *given = (struct given){.items = NULL};
    error = loader_begin(&checking->loader, &task);
    if (error < 0) {
        given_clear(&checking->given);
        control_refuse(client, "failed", "cannot start a thread for it: %s", strerror(-error));
        return;
    }
    checking->client = client;
    event_add(checking->deadline, &patience);
    control_hold_until(client, on_gone, checking);
}

void checking_stop(struct checking *checking)
{
    eventing_forget(TAKE_PTR(checking->done));
    eventing_forget(TAKE_PTR(checking->deadline));
}

void checking_close(struct checking *checking)
{
    checking_stop(checking);
    loader_close(&checking->loader);
    given_clear(&checking->given);
}
