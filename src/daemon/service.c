/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What control/ asks of the daemon. */
#include "service.h"

#include "build_config.h"
#include "clock.h"
#include "flow_list.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/log/fields.h"
#include "notify.h"
#include "totals.h"
#include "watch_service.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

/* Rates older than that are of packets that do not come any more. */
#define RATES_LIFE_NS UINT64_C(2500000000)

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
    const char *directory = getenv("RUNTIME_DIRECTORY");
    int length;

    if (config->control == CONTROL_AT)
        length = snprintf(service->path, sizeof(service->path), "%s", config->control_path);
    else
        length = snprintf(service->path, sizeof(service->path), "%s/control",
                          directory != NULL && directory[0] == '/' ? directory : "/run/ipmodd");
    return length < (int)sizeof(service->path) ? 0 : -ENAMETOOLONG;
}

static int listen_at_path(struct service *service)
{
    bool asked_for = service->engine->loaded.config->main.control == CONTROL_AT;
    int r = choose_path(service);

    if (r == 0)
        r = control_listen(service->path, reading_group(), &service->fd);
    if (r == 0)
        return 0;
    log_write(asked_for ? LEVEL_ERROR : LEVEL_WARNING, LOG_ID_CONTROL_UNSERVED, NULL, 0,
              "no control socket at %s: %s", service->path,
              r == -EADDRINUSE ? "another instance listens there; give this one another [main] "
                                 "control"
                               : strerror(-r));
    service->path[0] = '\0';
    return asked_for ? r : 0;
}

int service_open(struct service *service, struct engine *engine)
{
    const struct config_main *config = &engine->loaded.config->main;
    int r;

    *service = (struct service){
        .engine = engine,
        .fd = -1,
        .started_ns = clock_now_ns(),
        .started = time(NULL),
        .loaded_at = time(NULL),
    };
    r = checking_open(&service->checking, engine);
    if (r < 0)
        return r;
    r = exporting_open(&service->exporting, &config->metrics);
    if (r < 0 || config->control == CONTROL_OFF)
        return r;
    service->pinging = pinging_new(engine);
    if (service->pinging == NULL)
        return -ENOMEM;
    service->fd = notify_passed_socket();
    return service->fd >= 0 ? 0 : listen_at_path(service);
}

static void take_rates(const struct service *service, uint64_t now_ns,
                       struct control_rates *ret_rates)
{
    if (service->sampled_ns != 0 && now_ns - service->sampled_ns < RATES_LIFE_NS)
        *ret_rates = service->rates;
}

static int report(void *context, struct control_report *ret_report)
{
    struct service *service = context;
    struct engine *engine = service->engine;
    struct totals totals CLEANUP(totals_clear);

    if (totals_collect(&totals, engine) < 0)
        return -ENOMEM;
    *ret_report = (struct control_report){
        .version = IPMODD_VERSION,
        .started = service->started,
        .now_ns = clock_now_ns(),
        .started_ns = service->started_ns,
        .generation = service->reload->generation,
        .loaded_at = service->loaded_at,
        .loaded = &engine->loaded,
        .counters = totals.counters,
        .rules = TAKE_PTR(totals.rules),
        .disabled = TAKE_PTR(totals.disabled),
        .tun_tx_dropped = divert_tun_tx_dropped(engine->divert),
        .log_lost = log_lost(),
        .last_reload_taken = !service->last_reload_refused,
        .wakeups = totals.wakeups,
        .follows_flows = totals.follows_flows,
        .flows = totals.flows,
        .to_confirm = trial_is_pending(&service->reload->trial),
        .confirm_seconds = trial_seconds_left(&service->reload->trial),
        .can_go_back = service->reload->trial.previous.config != NULL,
    };
    memcpy(ret_report->reloads, service->reloads, sizeof(service->reloads));
    take_rates(service, ret_report->now_ns, &ret_report->rates);
    for (enum offload_class i = 0; i < OFFLOAD_CLASS_COUNT; i++) {
        if (divert_has_offload(engine->divert, i))
            ret_report->offload |= 1u << i;
    }
    engine_count_refused(engine, ret_report->offload_refused);
    return 0;
}

static void list_flows(void *context, struct control_flows *flows)
{
    struct service *service = context;

    flow_list_get(service->engine, flows);
}

static void flush_flows(void *context, struct control_flows *flows)
{
    struct service *service = context;

    flow_list_flush(service->engine, flows);
}

static const struct ruleset *ruleset(void *context)
{
    const struct service *service = context;

    return service->engine->loaded.ruleset;
}

static void enable_rule(void *context, size_t number, bool enabled)
{
    struct service *service = context;
    const struct rule *rule = &service->engine->loaded.ruleset->rules[number];
    struct log_fields fields = {.count = 0};

    engine_enable_rule(service->engine, number, enabled);
    log_fields_add(&fields, "IPMODD_RULE", "%s", rule->name);
    log_fields_add(&fields, "IPMODD_ENABLED", "%d", enabled);
    log_write(LEVEL_NOTICE, LOG_ID_RULE_SWITCHED, fields.items, fields.count, "rule %s is %s",
              rule->name, enabled ? "enabled" : "disabled until the next reload");
}

static void reset_rules(void *context)
{
    struct service *service = context;

    engine_reset_rules(service->engine);
}

/* Notes that client NUMBER waits. 0 or -ENOMEM. */
static int wait_for_reload(struct service *service, uint64_t number)
{
    uint64_t *waiting =
        reallocarray(service->waiting, service->waiting_count + 1, sizeof(*waiting));

    if (waiting == NULL)
        return -ENOMEM;
    service->waiting = waiting;
    waiting[service->waiting_count++] = number;
    return 0;
}

/* The client that came last does not wait: its request was refused with ERROR. */
static void refuse_last(struct service *service, int error)
{
    struct control_client *client =
        control_find(service->server, service->waiting[--service->waiting_count]);

    if (error == -ENOENT)
        control_refuse(client, "not-found", "no configuration from before is kept");
    else
        control_refuse(client, "busy", "a reload is under way; try again");
}

static void reload(void *context, uint64_t number, unsigned confirm_seconds)
{
    struct service *service = context;
    int r;

    if (wait_for_reload(service, number) < 0) {
        control_refuse(control_find(service->server, number), "failed", "not enough memory");
        return;
    }
    if (confirm_seconds == 0) {
        reload_request(service->reload); /* who waits is told of a failure too */
        return;
    }
    r = reload_try(service->reload, confirm_seconds);
    if (r < 0)
        refuse_last(service, r);
}

static void roll_back(void *context, uint64_t number)
{
    struct service *service = context;
    int r;

    if (wait_for_reload(service, number) < 0) {
        control_refuse(control_find(service->server, number), "failed", "not enough memory");
        return;
    }
    r = reload_return(service->reload);
    if (r < 0)
        refuse_last(service, r);
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

static int confirm(void *context)
{
    struct service *service = context;

    return reload_confirm(service->reload);
}

static void answer(struct service *service, struct control_client *client, const char *refusal)
{
    const struct trial *trial = &service->reload->trial;
    json_t *document;

    if (refusal != NULL) {
        control_refuse(client, "failed", "%s", refusal);
        return;
    }
    document = json_pack("{s:I, s:I}", "generation", (json_int_t)service->reload->generation,
                         "rules", (json_int_t)service->engine->loaded.ruleset->rule_count);
    if (trial_is_pending(trial) && document != NULL)
        json_object_set_new(document, "confirm_seconds", json_integer(trial_seconds_left(trial)));
    control_reply(client, document);
}

/* A reload is over; REFUSAL: why nothing changed, or NULL. */
static void on_reloaded(void *context, const char *refusal)
{
    struct service *service = context;

    service->last_reload_refused = refusal != NULL;
    if (refusal == NULL) {
        service->loaded_at = time(NULL);
    }
    service->reloads[refusal != NULL              ? RELOAD_REFUSED
                     : service->reload->returning ? RELOAD_RETURNED
                                                  : RELOAD_TAKEN]++;
    for (size_t i = 0; i < service->waiting_count; i++) {
        struct control_client *client = control_find(service->server, service->waiting[i]);

        if (client != NULL)
            answer(service, client, refusal);
    }
    service->waiting_count = 0;
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
    reload_of->finished = on_reloaded;
    reload_of->prepare = prepare;
    reload_of->settle = settle;
    reload_of->context = service;
    service->daemon = (struct control_daemon){
        .context = service,
        .report = report,
        .ruleset = ruleset,
        .enable_rule = enable_rule,
        .reset_rules = reset_rules,
        .flows = list_flows,
        .flush_flows = flush_flows,
        .reload = reload,
        .watch = watch_service_answer,
        .confirm = confirm,
        .roll_back = roll_back,
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
    pinging_free(TAKE_PTR(service->pinging));
}

static uint64_t per_second(uint64_t now, uint64_t before, uint64_t ns)
{
    return (uint64_t)((double)(now - before) * 1e9 / (double)ns);
}

void service_sample(struct service *service, const struct path_counters *counters, uint64_t now_ns)
{
    const struct path_counters *old = &service->sample;
    uint64_t ns = now_ns - service->sampled_ns;

    if (service->sampled_ns != 0)
        service->rates = (struct control_rates){
            .in = per_second(counters->in, old->in, ns),
            .in_bytes = per_second(counters->in_bytes, old->in_bytes, ns),
            .out = per_second(counters->out, old->out, ns),
            .out_bytes = per_second(counters->out_bytes, old->out_bytes, ns),
        };
    service->sample = *counters;
    service->sampled_ns = now_ns;
}
