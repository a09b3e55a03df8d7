/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of the diversion: start, events, reload, stop. */
#include "kernel/apply_inbound.h"
#include "kernel/divert_state.h"
#include "kernel/inbound.h"

#include "ipmodd/base/clock.h"

#include <errno.h>
#include <stdlib.h>

/* Before a look around the host that failed is tried again. */
#define LOOK_RETRY_NS UINT64_C(1000000000)

static struct fault last_failure;

struct fault *divert_last_failure(void)
{
    return &last_failure;
}

static void divert_free(struct divert *divert)
{
    tun_close(&divert->tun);
    monitor_close(&divert->monitor);
    netlink_close(divert->netlink);
    ledger_close(&divert->ledger);
    snapshot_clear(&divert->snapshot);
    wanted_clear(&divert->wanted);
    inspect_end(&divert->inspect);
    rps_clear(&divert->rps);
    host_view_free(divert->view);
    config_free(divert->config);
    free(divert);
}

static struct divert *divert_new(const struct config *config)
{
    struct divert *divert = calloc(1, sizeof(*divert));

    if (divert == NULL)
        return NULL;
    divert->tun = TUN_INIT;
    divert->inspect = INSPECT_INIT;
    divert->monitor = MONITOR_INIT;
    divert->ledger = LEDGER_INIT;
    divert->inspect.ledger = &divert->ledger;
    divert->inspect.rps = &divert->rps;
    divert->config = config_copy(config);
    if (divert->config == NULL) {
        free(divert);
        return NULL;
    }
    divert->guards_told = config->divert.priority;
    snapshot_init(&divert->snapshot, config);
    return divert;
}

static int open_all(struct divert *divert)
{
    const struct instance instance = instance_of(divert->config);
    int r = tun_check_permission(&divert->fault);

    if (r == 0)
        r = ledger_open(&divert->ledger, &instance, &divert->fault);
    if (r == 0)
        r = tun_open(&divert->tun, &divert->config->tun, &divert->fault);
    if (r == 0)
        r = netlink_open(&divert->fault, &divert->netlink);
    if (r == 0)
        r = monitor_open(&divert->monitor, &divert->fault);
    if (r == 0)
        r = divert_check_free(divert, divert->config);
    if (r == 0)
        r = divert_claim_inbound(divert, divert->config);
    return r;
}

/* After a failure in the start, whose text stays, with what else there is to say. */
static void undo_start(struct divert *divert)
{
    struct fault failure = divert->fault;

    if (divert_undo(divert) < 0)
        fault_append(&failure,
                     "; not everything could be taken back: %s; `ipmodd --cleanup` tries "
                     "again",
                     divert->fault.text);
    divert->fault = failure;
}

/* The first pass; what a running diversion would try again is a failure here. */
int divert_make(struct divert *divert)
{
    struct divert_news news = {.repaired = false};
    int r;

    divert->dirt = DIRT_ALL;
    r = reconcile(divert, &news);
    if (r == 0 && news.loop_found)
        r = -ELOOP;
    if (r == 0 && news.incomplete)
        r = divert->fault.text[0] != '\0' && news.foreign ? -EEXIST : -EIO;
    return r;
}

/* The messages about our own doing; what others did meanwhile becomes dirt. */
static void hear_of_birth(struct divert *divert)
{
    divert->starting = true;
    if (monitor_drain(&divert->monitor, events_note, divert) < 0)
        divert->dirt |= DIRT_ALL;
    divert->starting = false;
    divert->not_before_ns = 0;
}

/* What a killed process left of it: a turn, and with on-exit = closed routes. */
static int begin_inbound(struct divert *divert)
{
    uint32_t table = inbound_table(divert->config);
    int r = inbound_end_turns(divert->netlink, &divert->ledger, &divert->fault);

    if (r < 0 || (divert->config->divert.directions & DIRECTIONS_IN) != 0 ||
        apply_table_in_use(divert->netlink, table) != 0)
        return r;
    return apply_remove_routes(divert->netlink, table, &divert->fault);
}

int divert_start(const struct config *config, struct divert **ret_divert)
{
    struct divert *divert = divert_new(config);
    int r;

    fault_clear(&last_failure);
    if (divert == NULL)
        return fault_set(&last_failure, -ENOMEM, "start");
    r = open_all(divert);
    if (r == 0) {
        bool inherits = divert->ledger.left_count > 0;

        r = divert_remove_left(divert);
        if (r == 0 && inherits && ledger_has_inbound(&divert->ledger))
            r = begin_inbound(divert);
        if (r == 0)
            r = inspect_start(&divert->inspect, divert->config, divert->netlink, &divert->fault);
        if (r == 0)
            r = divert_make(divert);
        if (r < 0)
            undo_start(divert);
    }
    if (r < 0) {
        last_failure = divert->fault;
        divert_free(divert);
        return r;
    }
    hear_of_birth(divert);
    rps_begin(&divert->rps, clock_monotonic_ns());
    *ret_divert = divert;
    return 0;
}

const char *divert_error_text(const struct divert *divert)
{
    return divert != NULL ? divert->fault.text : last_failure.text;
}

int divert_tun_fd(const struct divert *divert, unsigned queue)
{
    return divert->tun.fds[queue];
}

bool divert_has_offload(const struct divert *divert, enum offload_class class)
{
    return (divert->tun.offloads & 1u << class) != 0;
}

int divert_give_up_offload(struct divert *divert, enum offload_class class)
{
    fault_clear(&divert->fault);
    return tun_give_up_offload(&divert->tun, class, &divert->fault);
}

const struct cpu_list *divert_rps(const struct divert *divert)
{
    return &divert->rps.cpus;
}

int divert_monitor_fd(const struct divert *divert)
{
    return divert->monitor.fd;
}

/* Also what divert_start() did: it has no news to tell of it. */
static void tell_guards(struct divert *divert, struct divert_news *news)
{
    uint32_t priority = divert->config->divert.priority;

    for (int family = 0; family < FAMILY_COUNT; family++) {
        if (divert->wanted.guard_priority[family] != 0)
            priority = MIN_OF(priority, divert->wanted.guard_priority[family]);
    }
    if (priority == divert->guards_told)
        return;
    divert->guards_told = priority;
    news->guards_moved = priority;
}

/* A look that was asked for, at what has no events as well: settings, netfilter, IPsec. */
static int look_if_due(struct divert *divert, uint64_t now)
{
    int r;

    if (divert->look_ns == 0 || now < divert->look_ns)
        return 0;
    r = inspect_again(&divert->inspect, divert->config, divert->netlink, &divert->fault);
    if (r < 0)
        return r;
    divert->look_ns = 0;
    divert->dirt |= DIRT_ALL;
    return 1;
}

/* What others have on this host. It is only told, so a failure stops nothing but is tried again. */
static void look_around(struct divert *divert, uint64_t now, struct divert_news *news)
{
    int r = inspect_poll(&divert->inspect, divert->config, divert->netlink, &divert->fault);

    news->remarks_changed |= r > 0;
    if (r >= 0)
        r = look_if_due(divert, now);
    news->remarks_changed |= r > 0;
    if (r >= 0)
        return;
    divert->look_ns = now + LOOK_RETRY_NS;
    news->incomplete = true;
}

static int rps_if_due(struct divert *divert, uint64_t now, struct divert_news *news)
{
    int r = rps_work(&divert->rps, &divert->config->tun, &divert->tun, now);

    if (r < 0)
        return fault_set(&divert->fault, r, "receive packet steering");
    if (r == 0)
        return 0;
    news->remarks_changed = true;
    return inspect_update(&divert->inspect, divert->config, divert->netlink, &divert->fault);
}

static int work_if_due(struct divert *divert, struct divert_news *news)
{
    uint64_t now = clock_monotonic_ns();
    int r = 0;

    if (divert->retry_ns != 0 && now >= divert->retry_ns)
        divert->dirt |= DIRT_ALL;
    if (divert->dirt != 0 && now >= divert->not_before_ns)
        r = reconcile(divert, news);
    look_around(divert, now, news);
    tell_guards(divert, news);
    return r < 0 ? r : rps_if_due(divert, now, news);
}

int divert_dispatch(struct divert *divert, struct divert_news *ret_news)
{
    int r = monitor_drain(&divert->monitor, events_note, divert);

    *ret_news = (struct divert_news){.repaired = false};
    fault_clear(&divert->fault);
    if (r == -ENOBUFS || r == -ENOMEM)
        divert->dirt |= DIRT_ALL; /* messages were lost: read everything */
    else if (r < 0)
        return fault_set(&divert->fault, r, "netlink monitor");
    return work_if_due(divert, ret_news);
}

int divert_tick(struct divert *divert, struct divert_news *ret_news)
{
    *ret_news = (struct divert_news){.repaired = false};
    fault_clear(&divert->fault);
    return work_if_due(divert, ret_news);
}

int divert_timeout_ms(const struct divert *divert)
{
    uint64_t now = clock_monotonic_ns();
    int poll_ms = inspect_timeout_ms(&divert->inspect);
    uint64_t due = UINT64_MAX;

    if (divert->dirt != 0)
        due = divert->not_before_ns;
    else if (divert->retry_ns != 0)
        due = divert->retry_ns;
    if (divert->look_ns != 0)
        due = MIN_OF(due, divert->look_ns);
    if (divert->rps.due_ns != 0)
        due = MIN_OF(due, divert->rps.due_ns);
    if (poll_ms >= 0)
        due = MIN_OF(due, now + (uint64_t)poll_ms * 1000000);
    if (due == UINT64_MAX)
        return -1;
    return due <= now ? 0 : (int)((due - now) / 1000000 + 1);
}

bool divert_has_tun(const struct divert *divert)
{
    return divert->tun.ifindex != 0;
}

void divert_tun_failed(struct divert *divert)
{
    divert->dirt |= DIRT_ALL | DIRT_REPAIR;
}

const struct host_view *divert_host_view(const struct divert *divert)
{
    return divert->view;
}

const struct remarks *divert_remarks(const struct divert *divert)
{
    return &divert->inspect.remarks;
}

static int note_dropped(void *context, const struct nlmsghdr *message)
{
    struct device device;
    uint64_t *dropped = context;
    int r = device_parse(message, &device);

    if (r == 0)
        *dropped = device.tx_dropped;
    return r;
}

uint64_t divert_tun_tx_dropped(struct divert *divert)
{
    if (divert->tun.ifindex != 0)
        netlink_query(divert->netlink, device_message_get(divert->tun.ifindex), note_dropped,
                      &divert->tx_dropped);
    return divert->tx_dropped;
}

int divert_withdraw(struct divert *divert)
{
    struct apply apply = divert_apply(divert);

    fault_clear(&divert->fault);
    return apply_withdraw(&apply);
}

int divert_stop(struct divert *divert)
{
    int r;

    if (divert == NULL)
        return 0;
    r = divert_undo(divert);
    last_failure = divert->fault;
    divert_free(divert);
    return r;
}
