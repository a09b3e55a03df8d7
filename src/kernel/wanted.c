/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of what should be in the kernel: device values, settings, routes. */
#include "kernel/wanted.h"

#include "ipmodd/base/macro.h"
#include "kernel/inbound.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    MTU_DEFAULT = 1500,
    MTU_MAX = 65535,          /* of a tun device */
    THROW_METRIC_IPV6 = 1024, /* what the kernel makes of 0 */
};

static uint32_t tun_mtu(const struct wanted_input *input)
{
    const struct snapshot *snapshot = input->snapshot;
    uint32_t mtu = 0;

    if (input->config->tun.mtu != 0)
        return input->config->tun.mtu;
    for (size_t i = 0; i < snapshot->device_count; i++) {
        const struct device *device = &snapshot->devices[i];

        if (device->ifindex != input->tun_ifindex && (device->flags & IFF_LOOPBACK) == 0 &&
            (snapshot_device_used(snapshot, device->ifindex) || inbound_has_device(input, device)))
            mtu = MAX_OF(mtu, device->mtu);
    }
    return mtu == 0 ? MTU_DEFAULT : MIN_OF(mtu, (uint32_t)MTU_MAX);
}

int wanted_add_setting(struct wanted *wanted, enum ip_family family, const char *device,
                       const char *name, int32_t value)
{
    struct setting *settings =
        reallocarray(wanted->settings, wanted->setting_count + 1, sizeof(*settings));

    if (settings == NULL)
        return -ENOMEM;
    wanted->settings = settings;
    settings[wanted->setting_count++] = setting_make(family, device, name, value);
    return 0;
}

bool wanted_is_other_device(const struct wanted_input *input, const struct device *device)
{
    return device->ifindex != input->tun_ifindex && (device->flags & IFF_LOOPBACK) == 0;
}

/*
 * A reply is checked against the route back to its source, which is a route over tun0 now: where
 * the effective value is 1 (strict) it would be dropped, and 2 (loose) is the strictest that works.
 */
static int add_rp_filters(struct wanted *wanted, const struct wanted_input *input)
{
    const struct snapshot *snapshot = input->snapshot;
    int r = 0;

    if ((snapshot->families & FAMILIES_IPV4) == 0)
        return 0;
    for (size_t i = 0; i < snapshot->device_count && r == 0; i++) {
        const struct device *device = &snapshot->devices[i];
        bool is_strict = MAX_OF(snapshot->rp_filter_all, device->rp_filter) == 1;

        is_strict |=
            ledger_made(input->ledger, FAMILY_IPV4, device->name, "rp_filter", device->rp_filter);
        if (wanted_is_other_device(input, device) && is_strict &&
            snapshot_device_used(snapshot, device->ifindex))
            r = wanted_add_setting(wanted, FAMILY_IPV4, device->name, "rp_filter", 2);
    }
    return r;
}

bool wanted_mirrors(const struct config *config)
{
    return (config->divert.directions & (DIRECTIONS_OUT | DIRECTIONS_FORWARD)) != 0;
}

static bool rules_same(const struct rule *a, size_t a_count, const struct rule *b, size_t b_count)
{
    for (size_t i = 0; i < a_count && a_count == b_count; i++) {
        if (!rule_equal(&a[i], &b[i]))
            return false;
    }
    return a_count == b_count;
}

static void clear_host(struct wanted *wanted)
{
    route_set_clear(&wanted->inbound);
    free(wanted->addresses);
    free(wanted->settings);
    free(wanted->overwritten);
    free(wanted->rules);
    wanted->addresses = NULL;
    wanted->settings = wanted->overwritten = NULL;
    wanted->rules = NULL;
    wanted->address_count = wanted->setting_count = wanted->overwritten_count = 0;
    wanted->rule_count = 0;
}

int wanted_compute_host(struct wanted *wanted, const struct wanted_input *input)
{
    struct rule *before CLEANUP(cleanup_free) = TAKE_PTR(wanted->rules);
    size_t before_count = wanted->rule_count;
    int r;

    clear_host(wanted);
    wanted->tun_mtu = tun_mtu(input);
    wanted->tun_group = input->config->divert.table;
    wanted->tun_rp_filter = input->snapshot->rp_filter_all == 0 ? 0 : 2;
    wanted->names_source6 = borrow_is_mixed(input);
    r = borrow_addresses(input, &wanted->addresses, &wanted->address_count);
    if (r == 0)
        r = add_rp_filters(wanted, input);
    if (r == 0)
        r = forwarding_want(wanted, input);
    if (r == 0)
        r = inbound_add_settings(wanted, input);
    if (r == 0)
        r = inbound_add_routes(wanted, input);
    if (r == 0)
        r = wanted_add_rules(wanted, input);
    wanted->rules_changed = !rules_same(before, before_count, wanted->rules, wanted->rule_count);
    return r;
}

static struct route *special_route(enum ip_family family, uint8_t type, uint32_t metric)
{
    struct route *route = route_new(0);

    if (route == NULL)
        return NULL;
    route->key.family = (uint8_t)family;
    route->key.metric = metric;
    route->type = type;
    return route;
}

static struct route *throw_route(const struct ip_prefix *excluded)
{
    struct ip_prefix network = ip_prefix_network(excluded);
    struct route *route = special_route(network.addr.family, RTN_THROW,
                                        network.addr.family == FAMILY_IPV6 ? THROW_METRIC_IPV6 : 0);

    if (route == NULL)
        return NULL;
    memcpy(route->key.dst, network.addr.bytes, sizeof(route->key.dst));
    route->key.dst_len = network.len;
    return route;
}

static int add_special_routes(struct wanted *wanted, const struct wanted_input *input)
{
    const struct ip_prefix *excluded;
    struct route *route;

    for (size_t i = 0; (excluded = mirror_excluded(input->config, i)) != NULL; i++) {
        if ((input->snapshot->families & 1u << excluded->addr.family) == 0)
            continue;
        route = throw_route(excluded);
        if (route == NULL || route_set_replace(&wanted->routes, route) < 0)
            return -ENOMEM;
    }
    for (int family = 0; family < FAMILY_COUNT; family++) {
        if (input->config->divert.on_exit != ON_EXIT_CLOSED ||
            (input->snapshot->families & 1u << family) == 0)
            continue;
        route = special_route((enum ip_family)family, RTN_UNREACHABLE, UINT32_MAX);
        if (route == NULL || route_set_replace(&wanted->routes, route) < 0)
            return -ENOMEM;
    }
    return 0;
}

int wanted_compute_routes(struct wanted *wanted, const struct wanted_input *input)
{
    route_set_clear(&wanted->routes);
    if (!wanted_mirrors(input->config))
        return 0;
    if (add_special_routes(wanted, input) < 0)
        return -ENOMEM;
    for (const struct route *first = input->snapshot->main.routes; first != NULL;
         first = first->hh.next) {
        struct route *mirror;
        int r = mirror_route(wanted, input, first, &mirror);

        if (r > 0)
            r = route_set_replace(&wanted->routes, mirror);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Whether KEY is one that add_special_routes() fills. */
static struct route *special_for(const struct wanted_input *input, const struct route_key *key)
{
    if (input->config->divert.on_exit == ON_EXIT_CLOSED && key->dst_len == 0 && key->src_len == 0 &&
        key->tos == 0 && key->metric == UINT32_MAX)
        return special_route((enum ip_family)key->family, RTN_UNREACHABLE, UINT32_MAX);
    return NULL;
}

int wanted_route(const struct wanted *wanted, const struct wanted_input *input,
                 const struct route_key *key, struct route **ret_route)
{
    const struct route *first = route_set_find(&input->snapshot->main, key);

    if (!wanted_mirrors(input->config))
        return 0;
    if (first != NULL)
        return mirror_route(wanted, input, first, ret_route);
    *ret_route = special_for(input, key);
    return *ret_route != NULL ? 1 : 0;
}

void wanted_clear(struct wanted *wanted)
{
    clear_host(wanted);
    route_set_clear(&wanted->routes);
}
