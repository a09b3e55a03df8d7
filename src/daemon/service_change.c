/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules switched, configurations exchanged, and those answered who wanted it. */
#include "service_change.h"

#include "flow_list.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/log/fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct requester requester_of(const struct control_client *client)
{
    return (struct requester){.is_known = true, .peer = *control_peer_of(client)};
}

void service_reset_rules(void *context, const struct control_client *client)
{
    struct service *service = context;
    const struct requester by = requester_of(client);
    struct log_fields fields = {.count = 0};
    char text[REQUESTER_TEXT];

    engine_reset_rules(service->engine);
    requester_add_fields(&by, &fields);
    log_write(LEVEL_NOTICE, LOG_ID_COUNTERS_RESET, &fields, "all rules count from nothing%s",
              requester_text(&by, text));
}

void service_flush_flows(void *context, const struct control_client *client,
                         struct control_flows *flows)
{
    struct service *service = context;
    const struct requester by = requester_of(client);
    struct log_fields fields = {.count = 0};
    char text[REQUESTER_TEXT];

    flow_list_flush(service->engine, flows);
    if (flows->count == 0)
        return;
    log_fields_add(&fields, "IPMODD_FLOWS", "%zu", flows->count);
    requester_add_fields(&by, &fields);
    log_write(LEVEL_NOTICE, LOG_ID_FLOWS_FLUSHED, &fields, "%zu flow%s forgotten%s", flows->count,
              flows->count == 1 ? " was" : "s were", requester_text(&by, text));
}

void service_enable_rule(void *context, const struct control_client *client, size_t number,
                         bool enabled)
{
    struct service *service = context;
    const struct rule *rule = &service->engine->loaded.ruleset->rules[number];
    const struct requester by = requester_of(client);
    struct log_fields fields = {.count = 0};
    char text[REQUESTER_TEXT];

    engine_enable_rule(service->engine, number, enabled);
    log_fields_add(&fields, "IPMODD_RULE", "%s", rule->name);
    log_fields_add(&fields, "IPMODD_ENABLED", "%d", enabled);
    requester_add_fields(&by, &fields);
    log_write(LEVEL_NOTICE, LOG_ID_RULE_SWITCHED, &fields, "rule %s is %s%s", rule->name,
              enabled ? "enabled" : "disabled until the next reload", requester_text(&by, text));
}

/* Notes that client NUMBER waits; false, and it is refused, without memory for that. */
static bool wait_for_reload(struct service *service, uint64_t number)
{
    uint64_t *waiting =
        reallocarray(service->waiting, service->waiting_count + 1, sizeof(*waiting));

    if (waiting == NULL) {
        control_refuse(control_find(service->server, number), "failed", "not enough memory");
        return false;
    }
    service->waiting = waiting;
    waiting[service->waiting_count++] = number;
    if (!service->engine->loader.running)
        service->waiting_now = service->waiting_count;
    return true;
}

/* The client that came last does not wait: its request was refused with ERROR. */
static void refuse_last(struct service *service, int error)
{
    struct control_client *client =
        control_find(service->server, service->waiting[--service->waiting_count]);

    service->waiting_now = MIN_OF(service->waiting_now, service->waiting_count);
    if (error == -ENOENT)
        control_refuse(client, "not-found", "no configuration from before is kept");
    else
        control_refuse(client, "busy", "a reload is under way; try again");
}

void service_reload(void *context, uint64_t number, unsigned confirm_seconds)
{
    struct service *service = context;
    const struct requester by = requester_of(control_find(service->server, number));
    int r;

    if (!wait_for_reload(service, number))
        return;
    if (confirm_seconds == 0) {
        reload_request(service->reload, &by); /* who waits is told of a failure too */
        return;
    }
    r = reload_try(service->reload, confirm_seconds, &by);
    if (r < 0)
        refuse_last(service, r);
}

void service_roll_back(void *context, uint64_t number)
{
    struct service *service = context;
    const struct requester by = requester_of(control_find(service->server, number));
    int r;

    if (!wait_for_reload(service, number))
        return;
    r = reload_return(service->reload, &by);
    if (r < 0)
        refuse_last(service, r);
}

int service_confirm(void *context, const struct control_client *client)
{
    struct service *service = context;
    const struct requester by = requester_of(client);

    return reload_confirm(service->reload, &by);
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

/* Those who wait are told; who came while it was under way waits for the next one, if that comes.
 */
static void answer_waiting(struct service *service, const char *refusal)
{
    size_t count = service->reload->again ? service->waiting_now : service->waiting_count;

    for (size_t i = 0; i < count; i++) {
        struct control_client *client = control_find(service->server, service->waiting[i]);

        if (client != NULL)
            answer(service, client, refusal);
    }
    service->waiting_count -= count;
    service->waiting_now = service->waiting_count;
    if (count > 0)
        memmove(service->waiting, service->waiting + count,
                service->waiting_count * sizeof(*service->waiting));
}

/* A reload is over; REFUSAL: why nothing changed, or NULL. */
void service_reloaded(void *context, const char *refusal)
{
    struct service *service = context;

    service->last_reload_refused = refusal != NULL;
    if (refusal == NULL)
        service->loaded_at = time(NULL);
    service->reloads[refusal != NULL              ? RELOAD_REFUSED
                     : service->reload->returning ? RELOAD_RETURNED
                                                  : RELOAD_TAKEN]++;
    answer_waiting(service, refusal);
}
