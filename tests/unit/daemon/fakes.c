/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions of rules/ and kernel/ that the daemon calls, with answers set by a test. */
#include "fakes.h"

#include "ipmodd/rules/given.h"

#include <errno.h>
#include <string.h>

struct fakes fakes;

/* One object, to have an address; the real one is opaque here. */
struct divert {
    char unused;
};
static struct divert the_divert;

static struct host_view *view;

void fakes_reset(void)
{
    fakes = (struct fakes){.rule_name = "first", .tun_name = "tun0", .tun_fd = -1, .queues = 1};
}

int load_configuration_until(const char *file, const atomic_bool *cancel, struct problems *problems,
                             struct loaded *ret_loaded)
{
    (void)cancel;
    return load_configuration(file, problems, ret_loaded);
}

int load_configuration(const char *file, struct problems *problems, struct loaded *ret_loaded)
{
    const struct place place = {.file = "a.conf", .line = 7, .section = "rule x", .key = "dst"};
    struct rule rule;

    (void)file;
    if (fakes.config_error != NULL) {
        problems_add(problems, PROBLEM_ERROR, &place, "%s", fakes.config_error);
        return -EINVAL;
    }
    ret_loaded->config = config_new();
    ret_loaded->ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    strcpy(ret_loaded->config->tun.name, fakes.tun_name);
    ret_loaded->config->tun.queues = fakes.queues;
    ret_loaded->config->tun.busy_poll_us = fakes.busy_poll_us;
    rule_init(&rule, fakes.rule_name, "a.conf", 1);
    ruleset_add(ret_loaded->ruleset, &rule);
    return 0;
}

void loaded_clear(struct loaded *loaded)
{
    config_free(loaded->config);
    ruleset_free(loaded->ruleset);
    *loaded = (struct loaded){.config = NULL};
}

int divert_start(const struct config *config, struct divert **ret_divert)
{
    (void)config;
    if (fakes.start_error < 0)
        return fakes.start_error;
    view = host_view_new(NULL, 0, NULL, 0, NULL, 0);
    *ret_divert = &the_divert;
    return 0;
}

int divert_withdraw(struct divert *divert)
{
    (void)divert;
    fakes.withdrawals++;
    return 0;
}

int divert_stop(struct divert *divert)
{
    if (divert == NULL)
        return 0;
    fakes.stops++;
    host_view_free(view);
    view = NULL;
    return 0;
}

int divert_reload(struct divert *divert, const struct config *config)
{
    (void)divert;
    (void)config;
    fakes.reloads++;
    return fakes.reload_error;
}

const char *divert_error_text(const struct divert *divert)
{
    (void)divert;
    return "the kernel said no";
}

int divert_tun_fd(const struct divert *divert, unsigned queue)
{
    (void)divert;
    (void)queue;
    return fakes.tun_fd;
}

const struct remarks *divert_remarks(const struct divert *divert)
{
    static const struct remarks none;

    (void)divert;
    return &none;
}

bool divert_has_offload(const struct divert *divert, enum offload_class class)
{
    (void)divert;
    return (fakes.given_up & 1u << class) == 0;
}

int divert_give_up_offload(struct divert *divert, enum offload_class class)
{
    (void)divert;
    fakes.given_up |= 1u << class;
    return 1;
}

const struct host_view *divert_host_view(const struct divert *divert)
{
    (void)divert;
    return view;
}

int given_load(const struct given *given, const atomic_bool *cancel, struct problems *problems,
               struct loaded *ret_loaded)
{
    (void)given;
    return load_configuration_until(NULL, cancel, problems, ret_loaded);
}
