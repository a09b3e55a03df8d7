/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the kernel right again where something is out of date. */
#include "kernel/check.h"
#include "kernel/divert_state.h"
#include "kernel/inbound.h"

#include "ipmodd/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUIET_MS = 50,  /* between two passes, at least */
    WORK_SHARE = 3, /* and at least so many times what the last one took, */
    PAUSE_MS = 500, /* but no longer: a change of main is to be followed within a second */
    RETRY_FIRST_MS = 200,
    RETRY_LAST_MS = 10000,
};

#define NS_PER_MS UINT64_C(1000000)

struct apply divert_apply(struct divert *divert)
{
    return (struct apply){
        .netlink = divert->netlink,
        .config = divert->config,
        .snapshot = &divert->snapshot,
        .tun = &divert->tun,
        .wanted = &divert->wanted,
        .ledger = &divert->ledger,
        .fault = &divert->fault,
    };
}

static struct wanted_input input_of(const struct divert *divert)
{
    return (struct wanted_input){
        .config = divert->config,
        .snapshot = &divert->snapshot,
        .ledger = &divert->ledger,
        .tun_ifindex = divert->tun.ifindex,
    };
}

/* Notices that tun0 is gone, or has another name now, and makes it again. */
static int ensure_tun(struct divert *divert, struct divert_news *news)
{
    const struct device *device = snapshot_device(&divert->snapshot, divert->tun.ifindex);
    int r = 0;

    if (device != NULL && strcmp(device->name, divert->tun.name) == 0)
        return 0;
    news->tun_lost = true;
    divert->dirt |= DIRT_ALL;
    if (device != NULL)
        r = tun_discard(&divert->tun, divert->netlink, &divert->fault);
    if (r == 0)
        r = tun_recreate(&divert->tun, &divert->fault);
    if (r < 0)
        return r;
    rps_begin(&divert->rps, clock_monotonic_ns());
    return snapshot_read_devices(&divert->snapshot, divert->netlink, &divert->fault);
}

static int read_host(struct divert *divert, struct divert_news *news)
{
    int r = 0;

    if ((divert->dirt & (DIRT_HOST | DIRT_MAIN)) != 0) {
        divert->snapshot.families = divert->config->divert.families;
        r = snapshot_read_devices(&divert->snapshot, divert->netlink, &divert->fault);
    }
    if (r == 0)
        r = ensure_tun(divert, news);
    if (r == 0 && (divert->dirt & DIRT_MAIN) != 0)
        r = snapshot_read_main(&divert->snapshot, divert->netlink, &divert->fault);
    return r;
}

static int apply_host(struct divert *divert, struct apply *apply)
{
    const struct wanted_input input = input_of(divert);
    int r = wanted_compute_host(&divert->wanted, &input);

    if (r < 0)
        return fault_set(&divert->fault, r, "computing what should be");
    if (divert->wanted.rules_changed)
        divert->dirt |= DIRT_RULES;
    r = apply_device(apply);
    return r < 0 ? r : apply_addresses(apply);
}

/* The wanted route with KEY anew; one that nobody wants any more is taken out of the kernel. */
static int update_key(struct divert *divert, struct apply *apply, const struct route_key *key)
{
    const struct wanted_input input = input_of(divert);
    struct route *old = route_set_find(&divert->wanted.routes, key);
    struct route *route = NULL;
    int r;

    if (mirror_is_excluded(divert->config, key))
        return 0; /* its throw route depends on nothing that can change */
    r = wanted_route(&divert->wanted, &input, key, &route);
    if (r < 0)
        return r;
    if (r > 0) {
        divert->wanted.mtus_vary |= wanted_route_mtu(route) != 0;
        if (old != NULL && old->state == ROUTE_INSTALLED)
            route->state = route_same(old, route) ? ROUTE_INSTALLED : ROUTE_DIFFERENT;
        else if (old != NULL)
            route->state = old->state;
        return route_set_replace(&divert->wanted.routes, route);
    }
    if (old == NULL)
        return 0;
    if (old->state == ROUTE_INSTALLED || old->state == ROUTE_DIFFERENT) {
        r = netlink_execute(divert->netlink, route_message_del(old, divert->config->divert.table));
        apply->changes++;
    }
    route_set_remove(&divert->wanted.routes, old);
    return r == -ESRCH || r == -ENOENT ? 0 : r;
}

static int apply_keys(struct divert *divert, struct apply *apply)
{
    int r = 0;

    for (size_t i = 0; i < divert->key_count && r == 0; i++) {
        struct route_key key = divert->keys[i];

        r = update_key(divert, apply, &key);
    }
    if (r < 0)
        return fault_set(&divert->fault, r, "table %u", divert->config->divert.table);
    return apply_route_keys(apply, divert->keys, divert->key_count);
}

static int apply_table(struct divert *divert, struct apply *apply)
{
    const struct wanted_input input = input_of(divert);
    int r = 0;

    if ((divert->dirt & (DIRT_MAIN | DIRT_TABLE)) == 0)
        return apply_keys(divert, apply);
    if ((divert->dirt & DIRT_MAIN) != 0)
        r = wanted_compute_routes(&divert->wanted, &input);
    else if (divert->key_count > 0)
        r = apply_keys(divert, apply);
    if (r < 0)
        return fault_set(&divert->fault, r, "computing what should be");
    return apply_routes(apply);
}

/* A single route of a table where all have the MTU of their device changes no path MTU. */
static int fill_path_mtus(struct divert *divert, struct host_view *view)
{
    bool whole = (divert->dirt & (DIRT_HOST | DIRT_MAIN | DIRT_TABLE)) != 0;

    if (whole || divert->view == NULL || divert->wanted.mtus_vary)
        return wanted_set_path_mtus(&divert->wanted, view);
    return host_view_copy_path_mtus(view, divert->view);
}

/* The host as the packet path asks for it. */
static int publish_view(struct divert *divert, struct divert_news *news)
{
    const struct wanted_input input = input_of(divert);
    struct host_view *view = snapshot_view(&divert->snapshot, divert->config, divert->tun.ifindex);

    if (view == NULL || fill_path_mtus(divert, view) < 0 || egress_fill_view(&input, view) < 0) {
        host_view_free(view);
        return fault_set(&divert->fault, -ENOMEM, "host view");
    }
    if (divert->view != NULL && host_view_equal(divert->view, view)) {
        host_view_free(view);
        return 0;
    }
    host_view_free(divert->view); /* who works with the old one has a reference of its own */
    divert->view = view;
    news->host_view_changed = true;
    return 0;
}

/* All rules, the divert rules last; one that was missing had been taken away. */
static int apply_all_rules(struct apply *apply, struct divert_news *news)
{
    unsigned before = apply->changes;
    int r = apply_rules(apply);

    if (apply->changes > before)
        news->repaired = true;
    return r;
}

/* One of the old place, unless it is one of the new place as well. */
static int clear_table(struct divert *divert, uint32_t table)
{
    const struct config *config = divert->config;

    if (table == config->divert.table ||
        (table == inbound_table(config) && (config->divert.directions & DIRECTIONS_IN) != 0))
        return 0;
    return apply_remove_routes(divert->netlink, table, &divert->fault);
}

/* All is in its new place after a reload that changed the numbers: the old place is cleared. */
static int end_move(struct divert *divert, const struct apply *apply)
{
    struct instance leaving = divert->ledger.leaving;
    int r;

    leaving.inbound = ledger_has_inbound(&divert->ledger);
    if (!ledger_is_leaving(&divert->ledger) || apply->failures > 0 || apply->foreign)
        return 0;
    r = apply_remove_rules(divert->netlink, &leaving, &divert->wanted, &divert->fault);
    if (r == 0)
        r = clear_table(divert, leaving.table);
    if (r == 0 && leaving.inbound)
        r = clear_table(divert, leaving.table + 1);
    if (r == 0)
        ledger_left(&divert->ledger);
    return r;
}

/* Whether the table of what comes in is ours: it is wanted, or was until a reload. */
static bool uses_inbound(const struct divert *divert)
{
    return (divert->config->divert.directions & DIRECTIONS_IN) != 0 ||
           (ledger_has_inbound(&divert->ledger) && divert->view != NULL);
}

static int apply_tables(struct divert *divert, struct apply *apply)
{
    int r = 0;

    if ((divert->dirt & (DIRT_MAIN | DIRT_TABLE | DIRT_KEYS)) != 0)
        r = apply_table(divert, apply);
    if (r == 0 && (divert->dirt & (DIRT_HOST | DIRT_MAIN | DIRT_TABLE)) != 0 &&
        uses_inbound(divert))
        r = apply_inbound_routes(apply);
    return r;
}

/* What keeps a packet safe stands before what lets it in, and that before what sends it there. */
static int apply_all(struct divert *divert, struct apply *apply, struct divert_news *news)
{
    bool host = (divert->dirt & (DIRT_HOST | DIRT_MAIN)) != 0;
    int r = 0;

    if (host)
        r = apply_host(divert, apply);
    if (r == 0 && (divert->dirt & DIRT_RULES) != 0)
        r = apply_guard_rules(apply);
    if (r == 0 && host)
        r = apply_settings(apply);
    if (r == 0)
        r = apply_tables(divert, apply);
    if (r == 0 && (divert->dirt & DIRT_RULES) != 0)
        r = apply_all_rules(apply, news);
    return r;
}

/* Once nothing of it is left, another instance may have what comes in. */
static void leave_inbound(struct divert *divert, const struct apply *apply)
{
    if ((divert->config->divert.directions & DIRECTIONS_IN) == 0 && apply->failures == 0 &&
        !apply->foreign && !ledger_is_leaving(&divert->ledger))
        ledger_leave_inbound(&divert->ledger);
}

static int do_work(struct divert *divert, struct apply *apply, struct divert_news *news)
{
    int r = read_host(divert, news);

    if (r == 0)
        r = apply_all(divert, apply, news);
    if (r == 0)
        r = check_for_loop(apply);
    if (r > 0)
        news->loop_found = true;
    if (r == 0)
        r = end_move(divert, apply);
    if (r == 0)
        leave_inbound(divert, apply);
    if (r >= 0)
        r = publish_view(divert, news);
    return r;
}

static void schedule(struct divert *divert, uint64_t started_ns, bool failed)
{
    uint64_t now = clock_monotonic_ns();
    uint64_t pause = MIN_OF((now - started_ns) * WORK_SHARE, PAUSE_MS * NS_PER_MS);

    pause = MAX_OF(pause, QUIET_MS * NS_PER_MS);
    divert->not_before_ns = now + pause;
    if (!failed) {
        divert->retry_ns = 0;
        divert->retry_ms = 0;
        return;
    }
    divert->retry_ms = divert->retry_ms == 0 ? RETRY_FIRST_MS
                                             : MIN_OF(divert->retry_ms * 2, RETRY_LAST_MS);
    divert->retry_ns = now + divert->retry_ms * NS_PER_MS;
}

int reconcile(struct divert *divert, struct divert_news *news)
{
    struct apply apply = divert_apply(divert);
    uint64_t started = clock_monotonic_ns();
    unsigned dirt = divert->dirt;
    int r;

    fault_clear(&divert->fault);
    r = do_work(divert, &apply, news);
    divert->dirt = 0;
    divert->key_count = 0;
    news->incomplete = r < 0 || apply.failures > 0 || apply.foreign;
    news->foreign = apply.foreign;
    if (apply.changes > 0 && (dirt & DIRT_REPAIR) != 0)
        news->repaired = true;
    schedule(divert, started, news->incomplete);
    return r;
}
