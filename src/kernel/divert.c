/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of the diversion: start, events, reload, stop. */
#include "kernel/apply_inbound.h"
#include "kernel/divert_state.h"
#include "kernel/inbound.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* From a reload that changed rules alone until everything is looked at once more. */
#define LOOK_DELAY_NS UINT64_C(300000000)

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
    divert->config = config_copy(config);
    if (divert->config == NULL) {
        free(divert);
        return NULL;
    }
    divert->guards_told = config->divert.priority;
    snapshot_init(&divert->snapshot, config);
    return divert;
}

/* At the guards' priorities a rule of somebody else could come first and take packets from them. */
static int check_priorities(struct divert *divert, const struct config *config)
{
    for (uint32_t i = 0; i < 2 * FAMILY_COUNT; i++) {
        enum ip_family family = i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6;
        uint32_t priority = config->divert.priority + i / 2;
        int r = 0;

        if ((config->divert.families & 1u << family) != 0)
            r = apply_priority_taken(divert->netlink, family, priority);
        if (r < 0)
            return fault_set(&divert->fault, r, "reading the list of rules");
        if (r > 0)
            return fault_explain(&divert->fault, -EEXIST,
                                 "there is an %s rule of somebody else with priority %u: choose "
                                 "another [divert] priority",
                                 ip_family_name(family), priority);
    }
    return 0;
}

/* The locks tell of other instances, unless one has a /run of its own, as in a container. */
static int check_table(struct divert *divert, uint32_t table)
{
    int r = apply_table_in_use(divert->netlink, table);

    if (r < 0)
        return fault_set(&divert->fault, r, "reading table %u", table);
    if (r > 0)
        return fault_explain(&divert->fault, -EBUSY,
                             "another instance of ipmodd is running with table %u, and perhaps "
                             "with a /run of its own: stop it, or choose another [divert] table",
                             table);
    return 0;
}

/* Those that CONFIG needs and that are not in use by this process. */
static int check_tables(struct divert *divert, const struct config *config)
{
    bool inbound = (config->divert.directions & DIRECTIONS_IN) != 0;
    bool running = divert->view != NULL;
    int r = 0;

    if (!running)
        r = check_table(divert, config->divert.table);
    if (r == 0 && inbound &&
        (!running || !ledger_has_inbound(&divert->ledger) ||
         inbound_table(config) != inbound_table(divert->config)))
        r = check_table(divert, inbound_table(config));
    return r;
}

/* What a killed process left of it is taken away by whoever starts next. */
static int claim_inbound(struct divert *divert, const struct config *config)
{
    if ((config->divert.directions & DIRECTIONS_IN) == 0)
        return ledger_try_inbound(&divert->ledger) == -ENOMEM ? -ENOMEM : 0;
    return ledger_claim_inbound(&divert->ledger, &divert->fault);
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
        r = check_priorities(divert, divert->config);
    if (r == 0)
        r = check_tables(divert, divert->config);
    if (r == 0)
        r = claim_inbound(divert, divert->config);
    return r;
}

/* A killed process may have had another table or other priorities: that goes first. */
static int remove_left_elsewhere(struct divert *divert)
{
    int r = 0;

    for (size_t i = 0; i < divert->ledger.left_count && r == 0; i++) {
        const struct instance *left = &divert->ledger.left[i];

        if (!instance_same_place(left, &divert->ledger.instance))
            r = apply_sweep(divert->netlink, left, &divert->fault);
    }
    if (r < 0)
        return r;
    r = ledger_save(&divert->ledger);
    return r < 0 ? fault_set(&divert->fault, r, "writing %s", divert->ledger.path) : 0;
}

/* What a move that is not over has in the other place. */
static int remove_leaving(struct divert *divert)
{
    int r = 0;

    if (ledger_is_leaving(&divert->ledger))
        r = apply_sweep(divert->netlink, &divert->ledger.leaving, &divert->fault);
    return r;
}

/* A device that still forwards keeps its barrier. */
static int remove_barriers(struct divert *divert, const struct instance *instance)
{
    int r = apply_restore_settings(divert->netlink, &divert->ledger, &divert->fault);

    if (r == 0 && instance->inbound)
        r = apply_remove_rules(divert->netlink, instance, NULL, &divert->fault);
    return r;
}

/* Everything of ours, on the way out. Goes on after a failure. */
static int undo_once(struct divert *divert)
{
    const struct instance instance = instance_of_process(divert->config, &divert->ledger);
    int first = 0;
    int r;

    fault_clear(&divert->fault);
    if (instance.inbound)
        first = inbound_end_turns(divert->netlink, &divert->ledger, &divert->fault);
    r = apply_remove_diverting(divert->netlink, &instance, &divert->fault);
    first = first < 0 ? first : r;
    tun_close(&divert->tun); /* and with it 100,000 routes at once */
    r = apply_remove_all_routes(divert->netlink, &instance, &divert->fault);
    first = first < 0 ? first : r;
    r = remove_leaving(divert);
    first = first < 0 ? first : r;
    r = remove_barriers(divert, &instance);
    return first < 0 ? first : r;
}

/* What did not work for want of memory or time may work now; nobody comes back here later. */
static int undo_all(struct divert *divert)
{
    int r = undo_once(divert);

    return r < 0 ? undo_once(divert) : r;
}

/* After a failure in the start, whose text stays, with what else there is to say. */
static void undo_start(struct divert *divert)
{
    struct fault failure = divert->fault;

    if (undo_all(divert) < 0)
        fault_append(&failure,
                     "; not everything could be taken back: %s; `ipmodd --cleanup` tries "
                     "again",
                     divert->fault.text);
    divert->fault = failure;
}

/* The first pass; what a running diversion would try again is a failure here. */
static int make_all(struct divert *divert)
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
        r = remove_left_elsewhere(divert);
        if (r == 0 && divert->ledger.left_count > 0 && ledger_has_inbound(&divert->ledger))
            r = begin_inbound(divert);
        if (r == 0)
            r = inspect_start(&divert->inspect, divert->config, divert->netlink, &divert->fault);
        if (r == 0)
            r = make_all(divert);
        if (r < 0)
            undo_start(divert);
    }
    if (r < 0) {
        last_failure = divert->fault;
        divert_free(divert);
        return r;
    }
    hear_of_birth(divert);
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
static int look_if_due(struct divert *divert, uint64_t now, struct divert_news *news)
{
    int r;

    if (divert->look_ns == 0 || now < divert->look_ns)
        return 0;
    r = inspect_again(&divert->inspect, divert->config, divert->netlink, &divert->fault);
    if (r < 0)
        return r;
    divert->look_ns = 0;
    divert->dirt |= DIRT_ALL;
    news->remarks_changed = true;
    return 0;
}

static int work_if_due(struct divert *divert, struct divert_news *news)
{
    uint64_t now = divert_now_ns();
    int r = look_if_due(divert, now, news);

    if (r < 0)
        return r;
    if (divert->retry_ns != 0 && now >= divert->retry_ns)
        divert->dirt |= DIRT_ALL;
    if (divert->dirt != 0 && now >= divert->not_before_ns)
        r = reconcile(divert, news);
    tell_guards(divert, news);
    return r;
}

int divert_dispatch(struct divert *divert, struct divert_news *ret_news)
{
    int r = monitor_drain(&divert->monitor, events_note, divert);

    *ret_news = (struct divert_news){.repaired = false};
    if (r == -ENOBUFS || r == -ENOMEM)
        divert->dirt |= DIRT_ALL; /* messages were lost: read everything */
    else if (r < 0)
        return fault_set(&divert->fault, r, "netlink monitor");
    return work_if_due(divert, ret_news);
}

int divert_tick(struct divert *divert, struct divert_news *ret_news)
{
    int r;

    *ret_news = (struct divert_news){.repaired = false};
    r = inspect_poll(&divert->inspect, divert->config, divert->netlink, &divert->fault);
    ret_news->remarks_changed = r > 0;
    return work_if_due(divert, ret_news);
}

int divert_timeout_ms(const struct divert *divert)
{
    uint64_t now = divert_now_ns();
    int poll_ms = inspect_timeout_ms(&divert->inspect);
    uint64_t due = UINT64_MAX;

    if (divert->dirt != 0)
        due = divert->not_before_ns;
    else if (divert->retry_ns != 0)
        due = divert->retry_ns;
    if (divert->look_ns != 0)
        due = MIN_OF(due, divert->look_ns);
    if (poll_ms >= 0)
        due = MIN_OF(due, now + (uint64_t)poll_ms * 1000000);
    if (due == UINT64_MAX)
        return -1;
    return due <= now ? 0 : (int)((due - now) / 1000000 + 1);
}

void divert_tun_failed(struct divert *divert)
{
    divert->dirt |= DIRT_ALL | DIRT_REPAIR;
}

/* Makes CONFIG (taken) the one in force, and the kernel equal to it. */
static int switch_config(struct divert *divert, struct config *config)
{
    config_free(divert->config);
    divert->config = config;
    divert->snapshot.mirror = config->divert.mirror;
    divert->guards_told = config->divert.priority;
    return make_all(divert);
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
    return ledger_is_leaving(&divert->ledger) ? make_all(divert) : 0;
}

/*
 * For a configuration that asks for what is there already. New rules need not wait for the kernel,
 * whose answers can take long on a busy host, nor fail with it; what was broken comes first, and
 * what nobody knows to be broken is looked for soon, once for all reloads until then.
 */
static int look_soon(struct divert *divert)
{
    uint64_t now = divert_now_ns();

    if (divert->retry_ns != 0) {
        divert->dirt |= DIRT_ALL;
        divert->not_before_ns = now;
    }
    if (divert->look_ns == 0)
        divert->look_ns = now + LOOK_DELAY_NS;
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
        r = check_priorities(divert, config);
    if (r == 0)
        r = check_tables(divert, config);
    if (r == 0 && (config->divert.directions & DIRECTIONS_IN) != 0)
        r = claim_inbound(divert, config);
    if (r < 0)
        return r;
    r = inspect_again(&divert->inspect, config, divert->netlink, &divert->fault);
    if (r == 0)
        r = exchange_config(divert, config);
    if (r == 0)
        return 0;
    fault = divert->fault;
    inspect_again(&divert->inspect, divert->config, divert->netlink, &divert->fault);
    divert->fault = fault;
    return r;
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

uint64_t divert_tun_tx_dropped(const struct divert *divert)
{
    uint64_t dropped = 0;

    if (divert->tun.ifindex != 0)
        netlink_query(divert->netlink, device_message_get(divert->tun.ifindex), note_dropped,
                      &dropped);
    return dropped;
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
    r = undo_all(divert);
    last_failure = divert->fault;
    divert_free(divert);
    return r;
}
