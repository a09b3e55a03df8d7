/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket from its opening to its end. */
#include "service.h"

#include "clock.h"
#include "flow_list.h"
#include "ipmodd/base/directory.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/log/fields.h"
#include "notify.h"
#include "service_change.h"
#include "service_report.h"
#include "watch_service.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

static const char group_name[] = "ipmodd";

/* The group that may read: the service's own one, or for root the group of that name. */
static gid_t reading_group(void)
{
    const struct group *group = geteuid() == 0 && getegid() == 0 ? getgrnam(group_name) : NULL;

    return group != NULL ? group->gr_gid : getegid();
}

/* 0 or -ENAMETOOLONG. */
static int choose_path(struct service *service)
{
    const struct config_main *config = &service->engine->loaded.config->main;
    char directory[PATH_MAX];
    int length;

    if (config->control == CONTROL_AT)
        length = snprintf(service->path, sizeof(service->path), "%s", config->control_path);
    else
        length = snprintf(service->path, sizeof(service->path), "%s/control",
                          directory_of_service("RUNTIME_DIRECTORY", "/run/ipmodd", directory));
    return length < (int)sizeof(service->path) ? 0 : -ENAMETOOLONG;
}

static int listen_at_path(struct service *service)
{
    bool asked_for = service->engine->loaded.config->main.control == CONTROL_AT;
    struct log_fields fields = {.count = 0};
    int r = choose_path(service);

    if (r == 0)
        r = control_listen(service->path, reading_group(), &service->fd);
    if (r == 0)
        return 0;
    log_fields_add(&fields, "IPMODD_SOCKET", "%s", service->path);
    log_fields_add(&fields, "ERRNO", "%d", -r);
    log_write(asked_for ? LEVEL_ERROR : LEVEL_WARNING, LOG_ID_CONTROL_UNSERVED, &fields,
              "no control socket at %s: %s", service->path,
              r == -EADDRINUSE ? "another instance listens there; give this one another [main] "
                                 "control"
                               : strerror(-r));
    service->path[0] = '\0';
    return asked_for ? r : 0;
}

/* FILE as clients find it, who are in other folders than this process; NULL without memory. */
static char *path_from_root(const char *file)
{
    char CLEANUP(cleanup_free) *folder = file[0] != '/' ? getcwd(NULL, 0) : NULL;
    char *path;

    if (folder == NULL)
        return strdup(file);
    return asprintf(&path, "%s/%s", folder, file) >= 0 ? path : NULL;
}

/* What serving needs beside its sockets. 0 or -errno. */
static int open_parts(struct service *service)
{
    struct engine *engine = service->engine;
    int r;

    if (engine->file != NULL && (service->file = path_from_root(engine->file)) == NULL)
        return -ENOMEM;
    r = checking_open(&service->checking, engine);
    return r < 0 ? r : pinging_new(engine, &service->pinging);
}

static void tell_unserved(int error)
{
    struct log_fields fields = {.count = 0};

    log_fields_add(&fields, "ERRNO", "%d", -error);
    log_write(LEVEL_ERROR, LOG_ID_CONTROL_UNSERVED, &fields, "cannot get ready to be asked: %s",
              strerror(-error));
}

int service_open(struct service *service, struct engine *engine)
{
    const struct config_main *config = &engine->loaded.config->main;
    int r;

    *service = (struct service){
        .engine = engine,
        .checking.loader.done_fd = -1,
        .exporting.fd = -1,
        .fd = -1,
        .started_ns = clock_monotonic_ns(),
        .started = time(NULL),
        .loaded_at = time(NULL),
    };
    r = open_parts(service);
    if (r < 0) {
        tell_unserved(r);
        return r;
    }
    r = exporting_open(&service->exporting, &config->metrics);
    if (r < 0 || config->control == CONTROL_OFF)
        return r;
    service->fd = notify_passed_socket();
    return service->fd >= 0 ? 0 : listen_at_path(service);
}

static void list_flows(void *context, struct control_flows *flows)
{
    struct service *service = context;

    flow_list_get(service->engine, flows);
}

static const struct ruleset *ruleset(void *context)
{
    const struct service *service = context;

    return service->engine->loaded.ruleset;
}

static void ping(void *context, struct control_client *client, const struct control_ping *wish)
{
    struct service *service = context;

    pinging_start(service->pinging, client, wish);
}

static void check(void *context, struct control_client *client, struct given *given)
{
    struct service *service = context;

    checking_start(&service->checking, client, given);
}

static int prepare(void *context, const struct config *config, char *text, size_t size)
{
    struct service *service = context;

    return exporting_prepare(&service->exporting, &config->main.metrics, text, size);
}

static void settle(void *context, bool in_force)
{
    struct service *service = context;

    exporting_settle(&service->exporting, in_force);
}

int service_start(struct service *service, struct event_base *base, struct reload *reload_of)
{
    const struct control_owner owner = {.uid = geteuid(), .gid = reading_group()};

    service->reload = reload_of;
    reload_of->finished = service_reloaded;
    reload_of->prepare = prepare;
    reload_of->settle = settle;
    reload_of->context = service;
    service->daemon = (struct control_daemon){
        .context = service,
        .report = service_report,
        .ruleset = ruleset,
        .enable_rule = service_enable_rule,
        .reset_rules = service_reset_rules,
        .flows = list_flows,
        .flush_flows = service_flush_flows,
        .reload = service_reload,
        .watch = watch_service_answer,
        .confirm = service_confirm,
        .roll_back = service_roll_back,
        .ping = ping,
        .check = check,
    };
    if (exporting_start(&service->exporting, base, &service->daemon) < 0)
        return -ENOMEM;
    if (service->fd < 0)
        return 0;
    if (pinging_serve(service->pinging, base) < 0 || checking_serve(&service->checking, base) < 0)
        return -ENOMEM;
    service->server = control_server_new(base, TAKE_FD(service->fd), &owner, control_commands,
                                         control_command_count, &service->daemon);
    return service->server != NULL ? 0 : -ENOMEM;
}

void service_stop(struct service *service)
{
    control_server_free(TAKE_PTR(service->server));
    if (service->pinging != NULL)
        pinging_end(service->pinging);
    checking_stop(&service->checking);
    exporting_close(&service->exporting);
}

void service_close(struct service *service)
{
    service_stop(service);
    if (service->fd >= 0)
        close(TAKE_FD(service->fd));
    if (service->path[0] != '\0')
        unlink(service->path);
    service->path[0] = '\0';
    checking_close(&service->checking);
    free(TAKE_PTR(service->waiting));
    free(TAKE_PTR(service->file));
    pinging_free(TAKE_PTR(service->pinging));
}
