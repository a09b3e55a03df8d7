/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What works on the host without a running diversion: the plan, and sweeping up after a crash. */
#include "kernel/apply_inbound.h"
#include "kernel/divert_state.h"
#include "kernel/inspect.h"

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
        r = apply_place_guards(netlink, config, wanted, fault);
    if (r == 0)
        r = wanted_compute_routes(wanted, &input);
    return r < 0 ? fault_set(fault, r, "computing what should be") : 0;
}

/* What there is to say as comments; the own nft table, which is made before anything is diverted.
 */
static void print_inspection(const struct config *config, const struct inspect *inspect, FILE *out)
{
    for (size_t i = 0; i < inspect->remarks.count; i++)
        fprintf(out, "# %s\n", inspect->remarks.items[i].text);
    if (inspect->remarks.left_out > 0)
        fprintf(out, "# and %zu more\n", inspect->remarks.left_out);
    connections_print(config, &inspect->findings, out);
}

int divert_print_plan(const struct config *config, FILE *out)
{
    struct fault *fault = divert_last_failure();
    struct wanted wanted = {.tun_mtu = 0};
    struct inspect inspect = INSPECT_INIT;
    struct netlink *netlink = NULL;
    struct snapshot snapshot;
    int r;

    fault_clear(fault);
    snapshot_init(&snapshot, config);
    r = netlink_open(fault, &netlink);
    if (r == 0)
        r = plan(config, netlink, &snapshot, &wanted, fault);
    if (r == 0)
        r = inspect_look(&inspect, config, netlink, fault);
    if (r == 0) {
        print_inspection(config, &inspect, out);
        plan_print(config, &snapshot, &wanted, out);
    }
    inspect_end(&inspect);
    netlink_close(netlink);
    wanted_clear(&wanted);
    snapshot_clear(&snapshot);
    return r;
}

/* The rules that keep traffic in after a crash are those of any start with CONFIG. */
static int sweep_but_closed(const struct config *config, struct netlink *netlink,
                            struct fault *fault)
{
    const struct instance instance = instance_of(config);
    struct snapshot snapshot = {.families = config->divert.families};
    const struct ledger empty = LEDGER_INIT;
    const struct wanted_input input = {.config = config, .snapshot = &snapshot, .ledger = &empty};
    struct wanted wanted = {.tun_mtu = 0};
    int r = wanted_compute_host(&wanted, &input);

    if (r == 0)
        r = apply_remove_rules(netlink, &instance, &wanted, fault);
    if (r == 0)
        r = apply_remove_routes_but_closed(netlink, instance.table, fault);
    wanted_clear(&wanted);
    return r;
}

static int sweep_diverting(struct netlink *netlink, const struct instance *instance,
                           struct fault *fault)
{
    int r = apply_remove_diverting(netlink, instance, fault);

    return r < 0 ? r : apply_remove_all_routes(netlink, instance, fault);
}

/* What the state file tells of comes first: the configuration may have changed since. */
static int sweep_all(const struct config *config, struct ledger *ledger, struct netlink *netlink,
                     struct fault *fault)
{
    const struct instance instance = instance_of_process(config, ledger);
    int r = 0;

    if (instance.inbound)
        r = inbound_end_turns(netlink, ledger, fault);

    for (size_t i = 0; i < ledger->left_count && r == 0; i++) {
        if (!instance_same_place(&ledger->left[i], &ledger->instance))
            r = apply_sweep(netlink, &ledger->left[i], fault);
    }
    if (r < 0)
        return r;
    if (config->divert.on_exit == ON_EXIT_CLOSED)
        r = sweep_but_closed(config, netlink, fault);
    else
        r = sweep_diverting(netlink, &instance, fault);
    return r < 0 ? r : ledger_swept(ledger);
}

/* The last to go, as forwarding is what they guard against. */
static int sweep_barriers(const struct config *config, const struct ledger *ledger,
                          struct netlink *netlink, struct fault *fault)
{
    const struct instance instance = instance_of_process(config, ledger);

    if (!instance.inbound || config->divert.on_exit == ON_EXIT_CLOSED)
        return 0;
    return apply_remove_rules(netlink, &instance, NULL, fault);
}

int divert_cleanup_host(const struct config *config)
{
    const struct instance instance = instance_of(config);
    struct fault *fault = divert_last_failure();
    struct ledger ledger = LEDGER_INIT;
    struct netlink *netlink = NULL;
    int r, restored;

    fault_clear(fault);
    r = tun_check_permission(fault);
    if (r == 0)
        r = ledger_open(&ledger, &instance, fault);
    if (r == 0)
        r = netlink_open(fault, &netlink);
    if (r == 0 && ledger_try_inbound(&ledger) == -ENOMEM)
        r = -ENOMEM;
    if (r == 0) {
        r = sweep_all(config, &ledger, netlink, fault);
        restored = apply_restore_settings(netlink, &ledger, fault);
        r = r < 0 ? r : restored;
        if (r == 0)
            r = sweep_barriers(config, &ledger, netlink, fault);
    }
    netlink_close(netlink);
    ledger_close(&ledger);
    return r;
}
