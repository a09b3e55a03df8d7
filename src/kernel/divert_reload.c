/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another configuration for a diversion that runs. */
#include "kernel/divert_state.h"

#include "ipmodd/base/clock.h"

#include <errno.h>
#include <string.h>

/* From a reload that changed rules alone until everything is looked at once more. */
#define LOOK_DELAY_NS UINT64_C(300000000)

/* Makes CONFIG (taken) the one in force, and the kernel equal to it. */
static int switch_config(struct divert *divert, struct config *config)
{
    config_free(divert->config);
    divert->config = config;
    divert->snapshot.mirror = config->divert.mirror;
    divert->guards_told = config->divert.priority;
    return divert_make(divert);
}

/* All of CONFIG in force, or what was before; that is tried again if it does not come back. */
static int exchange_config(struct divert *divert, const struct config *config)
{
    const struct instance instance = instance_of(config);
    struct config *old CLEANUP(config_cleanup) = config_copy(divert->config);
    struct config *new CLEANUP(config_cleanup) = config_copy(config);
    struct fault fault;
    int r;

    if (old == NULL || new == NULL)
        return fault_set(&divert->fault, -ENOMEM, "reload");
    r = ledger_move(&divert->ledger, &instance, &divert->fault);
    if (r == 0)
        r = switch_config(divert, TAKE_PTR(new));
    if (r == 0 || new != NULL)
        return r;
    fault = divert->fault;
    ledger_move_back(&divert->ledger);
    switch_config(divert, TAKE_PTR(old));
    divert->fault = fault;
    return r;
}

/* The numbers can change once no old ones are left that some failure kept. */
static int end_move(struct divert *divert)
{
    return ledger_is_leaving(&divert->ledger) ? divert_make(divert) : 0;
}

/*
 * For a configuration that asks for what is there already. New rules need not wait for the kernel,
 * whose answers can take long on a busy host, nor fail with it; what was broken comes first, and
 * what nobody knows to be broken is looked for soon, once for all reloads until then.
 */
static int look_soon(struct divert *divert)
{
    uint64_t now = clock_monotonic_ns();

    if (divert->retry_ns != 0) {
        divert->dirt |= DIRT_ALL;
        divert->not_before_ns = now;
    }
    if (divert->look_ns == 0)
        divert->look_ns = now + LOOK_DELAY_NS;
    rps_begin(&divert->rps, now);
    return 0;
}

int divert_reload(struct divert *divert, const struct config *config)
{
    struct fault fault;
    int r;

    fault_clear(&divert->fault);
    if (strcmp(divert->config->tun.name, config->tun.name) != 0)
        return fault_explain(&divert->fault, -EINVAL,
                             "[tun] name cannot change while running (it is %s): restart instead",
                             divert->config->tun.name);
    if (config_same_diversion(divert->config, config) && !ledger_is_leaving(&divert->ledger))
        return look_soon(divert);
    r = end_move(divert);
    if (r == 0)
        r = divert_check_free(divert, config);
    if (r == 0 && (config->divert.directions & DIRECTIONS_IN) != 0)
        r = divert_claim_inbound(divert, config);
    if (r < 0)
        return r;
    r = inspect_again(&divert->inspect, config, divert->netlink, &divert->fault);
    if (r == 0)
        r = exchange_config(divert, config);
    if (r == 0)
        rps_begin(&divert->rps, clock_monotonic_ns());
    if (r == 0)
        return 0;
    fault = divert->fault;
    inspect_again(&divert->inspect, divert->config, divert->netlink, &divert->fault);
    divert->fault = fault;
    return r;
}
