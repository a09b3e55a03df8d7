/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What works on the host without a running diversion: the plan, and sweeping up after a crash. */
#include "kernel/divert_state.h"

#include <errno.h>

static int plan(const struct config *config, struct netlink *netlink, struct snapshot *snapshot,
                struct wanted *wanted, struct fault *fault)
{
    const struct ledger empty = LEDGER_INIT;
    const struct wanted_input input = {.config = config, .snapshot = snapshot, .ledger = &empty};
    int r = snapshot_read_devices(snapshot, netlink, fault);

    if (r == 0)
        r = snapshot_read_main(snapshot, netlink, fault);
    if (r < 0)
        return r;
    r = wanted_compute_host(wanted, &input);
    if (r == 0)
        r = wanted_compute_routes(wanted, &input);
    return r < 0 ? fault_set(fault, r, "computing what should be") : 0;
}

int divert_print_plan(const struct config *config, FILE *out)
{
    struct fault *fault = divert_last_failure();
    struct wanted wanted = {.tun_mtu = 0};
    struct netlink *netlink = NULL;
    struct snapshot snapshot;
    int r;

    fault_clear(fault);
    snapshot_init(&snapshot, config);
    r = netlink_open(fault, &netlink);
    if (r == 0)
        r = plan(config, netlink, &snapshot, &wanted, fault);
    if (r == 0)
        plan_print(config, &snapshot, &wanted, out);
    netlink_close(netlink);
    wanted_clear(&wanted);
    snapshot_clear(&snapshot);
    return r;
}

/* The rules that keep traffic in after a crash are all of ours; with "open" there are none. */
static int sweep(const struct config *config, struct netlink *netlink, struct fault *fault)
{
    struct snapshot snapshot = {.families = config->divert.families};
    const struct ledger empty = LEDGER_INIT;
    const struct wanted_input input = {
        .config = config,
        .snapshot = &snapshot,
        .ledger = &empty,
    };
    struct wanted wanted = {.tun_mtu = 0};
    int r;

    if (config->divert.on_exit == ON_EXIT_OPEN) {
        r = apply_remove_rules(netlink, NULL, fault);
        return r < 0 ? r : apply_remove_routes(netlink, RT_TABLE_UNSPEC, fault);
    }
    r = wanted_compute_host(&wanted, &input);
    if (r == 0)
        r = apply_remove_rules(netlink, &wanted, fault);
    if (r == 0)
        r = apply_remove_routes_but_closed(netlink, fault);
    wanted_clear(&wanted);
    return r;
}

int divert_cleanup_host(const struct config *config)
{
    struct ledger ledger = LEDGER_INIT;
    struct netlink *netlink = NULL;
    struct fault *fault = divert_last_failure();
    int r, restored;

    fault_clear(fault);
    r = ledger_open(&ledger, fault);
    if (r == 0)
        r = netlink_open(fault, &netlink);
    if (r == 0) {
        r = sweep(config, netlink, fault);
        restored = apply_restore_settings(netlink, &ledger, fault);
        r = r < 0 ? r : restored;
    }
    netlink_close(netlink);
    ledger_close(&ledger);
    return r;
}
