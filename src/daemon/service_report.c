/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collects what status, rules and metrics are made of. */
#include "service_report.h"

#include "build_config.h"
#include "clock.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/log/log.h"
#include "totals.h"

#include <errno.h>
#include <string.h>

/* Rates older than that are of packets that do not come any more. */
#define RATES_LIFE_NS UINT64_C(2500000000)

static void take_rates(const struct service *service, uint64_t now_ns,
                       struct control_rates *ret_rates)
{
    if (service->sampled_ns != 0 && now_ns - service->sampled_ns < RATES_LIFE_NS)
        *ret_rates = service->rates;
}

int service_report(void *context, struct control_report *ret_report)
{
    struct service *service = context;
    struct engine *engine = service->engine;
    struct totals totals CLEANUP(totals_clear);

    if (totals_collect(&totals, engine) < 0)
        return -ENOMEM;
    *ret_report = (struct control_report){
        .version = IPMODD_VERSION,
        .started = service->started,
        .now_ns = clock_monotonic_ns(),
        .started_ns = service->started_ns,
        .generation = service->reload->generation,
        .loaded_at = service->loaded_at,
        .file = service->file,
        .loaded = &engine->loaded,
        .counters = totals.counters,
        .rules = TAKE_PTR(totals.rules),
        .disabled = TAKE_PTR(totals.disabled),
        .tun_tx_dropped = divert_tun_tx_dropped(engine->divert),
        .rps = divert_rps(engine->divert),
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
