/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules, settings and routes for what is addressed to this host. */
#include "kernel/inbound.h"

#include "ipmodd/base/macro.h"
#include "kernel/rule_list.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <netinet/in.h>
#include <string.h>

enum { ROUTE_METRIC_IPV6 = 1024 }; /* what the kernel makes of 0 */

/* By family; 0 at the end. */
static const uint8_t protocols[FAMILY_COUNT][8] = {
    [FAMILY_IPV4] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_UDPLITE,
                     IPPROTO_DCCP},
    [FAMILY_IPV6] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_UDPLITE, IPPROTO_DCCP},
};

/* Link-local sources are not forwarded (RFC 4291 2.5.6, RFC 3927 2.7). */
static const struct ip_prefix link_local[FAMILY_COUNT] = {
    [FAMILY_IPV4] = {{FAMILY_IPV4, {169, 254}}, 16},
    [FAMILY_IPV6] = {{FAMILY_IPV6, {0xfe, 0x80}}, 10},
};
static const struct ip_prefix loopback[FAMILY_COUNT] = {
    [FAMILY_IPV4] = {{FAMILY_IPV4, {127}}, 8},
    [FAMILY_IPV6] = {{FAMILY_IPV6, {[15] = 1}}, 128},
};

/* Ports of DHCP (RFC 2131 4.1) and DHCPv6 (RFC 8415 7.2), client and server. */
static const struct port_exclusion dhcp[FAMILY_COUNT] = {
    [FAMILY_IPV4] = {IPPROTO_UDP, 67, 68},
    [FAMILY_IPV6] = {IPPROTO_UDP, 546, 547},
};

uint32_t inbound_table(const struct config *config)
{
    return config->divert.table + 1;
}

/*
 * What comes out of another instance's device has been through, and its settings are that one's. It
 * shows by what those devices alone have together, and have from the moment that they are up (see
 * tun_configure()); a tun device that is down may become one, and receives nothing.
 */
static bool is_of_an_instance(const struct device *device)
{
    return device->is_tun &&
           ((device->flags & IFF_UP) == 0 || (device->group != 0 && device->accept_local != 0));
}

bool inbound_has_device(const struct wanted_input *input, const struct device *device)
{
    const struct config_divert *divert = &input->config->divert;

    if ((divert->directions & DIRECTIONS_IN) == 0 || !wanted_is_other_device(input, device) ||
        is_of_an_instance(device) || !config_diverts_device(divert, device->name))
        return false;
    /* What a port of a bridge or bond receives comes in by that. */
    return divert->interface_count > 0 || device->master == 0;
}

bool inbound_is_rule(const struct rule *rule)
{
    return rule->priority == INBOUND_PRIORITY;
}

bool inbound_is_barrier(const struct rule *rule)
{
    return rule->action == RULE_BLACKHOLE;
}

bool inbound_is_stand_in(const struct rule *rule)
{
    const struct rule stand_in = inbound_stand_in(rule->family);

    return rule_equal(rule, &stand_in);
}

struct rule inbound_stand_in(enum ip_family family)
{
    return (struct rule){.family = family,
                         .priority = STAND_IN_PRIORITY,
                         .action = RULE_LOOKUP,
                         .table = RT_TABLE_LOCAL};
}

static bool forwarded_before(const struct wanted_input *input, const struct device *device,
                             enum ip_family family)
{
    const struct snapshot *snapshot = input->snapshot;

    if (family == FAMILY_IPV4)
        return device->forwarding != 0 && !ledger_made(input->ledger, FAMILY_IPV4, device->name,
                                                       "forwarding", device->forwarding);
    if (snapshot->forwarding6_all != 0 && !forwarding_all_is_ours(input))
        return true;
    return device->force_forwarding6 != 0 &&
           !ledger_made(input->ledger, FAMILY_IPV6, device->name, "force_forwarding",
                        device->force_forwarding6);
}

static bool has_family(const struct device *device, enum ip_family family)
{
    return family == FAMILY_IPV4 || device->has_ipv6;
}

int inbound_add_barriers(struct wanted *wanted, const struct wanted_input *input,
                         enum ip_family family)
{
    int r = 0;

    for (size_t i = 0; i < input->snapshot->device_count && r == 0; i++) {
        const struct device *device = &input->snapshot->devices[i];
        struct rule rule = {
            .family = family,
            .priority = BARRIER_PRIORITY,
            .action = RULE_BLACKHOLE,
        };

        if (!inbound_has_device(input, device) || !has_family(device, family) ||
            forwarded_before(input, device, family))
            continue;
        memcpy(rule.iif, device->name, sizeof(rule.iif));
        r = wanted_add_rule(wanted, &rule);
    }
    return r;
}

/* A rule that leaves what it meets to table local. */
static struct rule exception(enum ip_family family)
{
    return (struct rule){.family = family,
                         .priority = INBOUND_PRIORITY,
                         .action = RULE_LOOKUP,
                         .table = RT_TABLE_LOCAL};
}

/* What is excluded may be so twice, and the kernel takes no rule twice. */
static int add_once(struct wanted *wanted, const struct rule *rule)
{
    if (rule_list_has(wanted->rules, wanted->rule_count, rule))
        return 0;
    return wanted_add_rule(wanted, rule);
}

static int add_source_exception(struct wanted *wanted, const struct ip_prefix *prefix)
{
    struct rule rule = exception(prefix->addr.family);

    rule.from = *prefix;
    /* Of length 0 it would be the kernel's own rule: nothing at all is diverted then. */
    return rule.from.len == 0 ? 0 : add_once(wanted, &rule);
}

static int add_port_exception(struct wanted *wanted, enum ip_family family,
                              const struct port_exclusion *ports)
{
    struct rule rule = exception(family);

    rule.proto = ports->proto;
    rule.port_first = ports->first;
    rule.port_last = ports->last;
    return add_once(wanted, &rule);
}

static int add_exceptions(struct wanted *wanted, const struct config_divert *divert,
                          enum ip_family family)
{
    int r = add_source_exception(wanted, &link_local[family]);

    for (size_t i = 0; i < divert->exclude_count && r == 0; i++) {
        if (divert->excludes[i].addr.family == family)
            r = add_source_exception(wanted, &divert->excludes[i]);
    }
    if (r == 0)
        r = add_port_exception(wanted, family, &dhcp[family]);
    for (size_t i = 0; i < divert->exclude_port_count && r == 0; i++)
        r = add_port_exception(wanted, family, &divert->exclude_ports[i]);
    return r;
}

static int add_device(struct wanted *wanted, const struct wanted_input *input,
                      const struct device *device, enum ip_family family)
{
    struct rule rule = {
        .family = family,
        .priority = INBOUND_PRIORITY,
        .action = RULE_LOOKUP,
        .table = inbound_table(input->config),
    };
    int r = 0;

    memcpy(rule.iif, device->name, sizeof(rule.iif));
    for (size_t i = 0; protocols[family][i] != 0 && r == 0; i++) {
        rule.proto = protocols[family][i];
        r = wanted_add_rule(wanted, &rule);
    }
    return r;
}

/* Whether all sources of FAMILY are excluded. */
static bool is_excluded(const struct config_divert *divert, enum ip_family family)
{
    for (size_t i = 0; i < divert->exclude_count; i++) {
        if (divert->excludes[i].addr.family == family && divert->excludes[i].len == 0)
            return true;
    }
    return false;
}

int inbound_add_rules(struct wanted *wanted, const struct wanted_input *input,
                      enum ip_family family)
{
    const struct config_divert *divert = &input->config->divert;
    int r = 0;

    if ((divert->directions & DIRECTIONS_IN) == 0 || is_excluded(divert, family))
        return 0;
    r = add_exceptions(wanted, divert, family);
    for (size_t i = 0; i < input->snapshot->device_count && r == 0; i++) {
        const struct device *device = &input->snapshot->devices[i];

        if (inbound_has_device(input, device) && has_family(device, family))
            r = add_device(wanted, input, device, family);
    }
    return r;
}

static int add_device_settings(struct wanted *wanted, const struct wanted_input *input,
                               const struct device *device)
{
    const struct snapshot *snapshot = input->snapshot;
    int r = 0;

    if ((snapshot->families & FAMILIES_IPV4) != 0 && !forwarded_before(input, device, FAMILY_IPV4))
        r = wanted_add_setting(wanted, FAMILY_IPV4, device->name, "forwarding", 1);
    /* Before Linux 6.17 forwarding_want() has all devices forward. */
    if (r == 0 && (snapshot->families & FAMILIES_IPV6) != 0 && device->has_ipv6 &&
        snapshot->has_force_forwarding && !forwarded_before(input, device, FAMILY_IPV6))
        r = wanted_add_setting(wanted, FAMILY_IPV6, device->name, "force_forwarding", 1);
    return r;
}

int inbound_add_settings(struct wanted *wanted, const struct wanted_input *input)
{
    int r;

    if ((input->config->divert.directions & DIRECTIONS_IN) == 0)
        return 0;
    /* Both are of IPv6 as well. */
    r = wanted_add_setting(wanted, FAMILY_IPV4, SETTING_OF_FAMILY, "tcp_early_demux", 0);
    if (r == 0)
        r = wanted_add_setting(wanted, FAMILY_IPV4, SETTING_OF_FAMILY, "udp_early_demux", 0);
    for (size_t i = 0; i < input->snapshot->device_count && r == 0; i++) {
        if (inbound_has_device(input, &input->snapshot->devices[i]))
            r = add_device_settings(wanted, input, &input->snapshot->devices[i]);
    }
    return r;
}

/* What others may own, and what no packet from outside is for, has no route. */
static bool is_routed(const struct wanted_input *input, const struct address *address)
{
    enum ip_family family = address->local.family;

    if ((input->snapshot->families & 1u << family) == 0 ||
        (address->flags & IFA_F_DADFAILED) != 0 ||
        ((address->flags & IFA_F_TENTATIVE) != 0 && (address->flags & IFA_F_OPTIMISTIC) == 0))
        return false;
    return !ip_prefix_covers(&link_local[family], &address->local) &&
           !ip_prefix_covers(&loopback[family], &address->local);
}

static int add_route(struct wanted *wanted, const struct wanted_input *input,
                     const struct ip_addr *addr, uint8_t type, uint32_t metric)
{
    struct route *route = route_new(type == RTN_UNICAST ? 1 : 0);

    if (route == NULL)
        return -ENOMEM;
    route->key.family = (uint8_t)addr->family;
    route->key.dst_len = (uint8_t)IP_ADDR_BITS(addr->family);
    memcpy(route->key.dst, addr->bytes, sizeof(route->key.dst));
    route->key.metric = metric;
    route->type = type;
    if (type == RTN_UNICAST)
        route->hops[0] = (struct hop){.ifindex = input->tun_ifindex};
    return route_set_replace(&wanted->inbound, route);
}

int inbound_add_routes(struct wanted *wanted, const struct wanted_input *input)
{
    const struct config_divert *divert = &input->config->divert;
    int r = 0;

    route_set_clear(&wanted->inbound);
    if ((divert->directions & DIRECTIONS_IN) == 0)
        return 0;
    for (size_t i = 0; i < input->snapshot->address_count && r == 0; i++) {
        const struct address *address = &input->snapshot->addresses[i];
        uint32_t metric = address->local.family == FAMILY_IPV6 ? ROUTE_METRIC_IPV6 : 0;

        if (!is_routed(input, address))
            continue;
        r = add_route(wanted, input, &address->local, RTN_UNICAST, metric);
        if (r == 0 && divert->on_exit == ON_EXIT_CLOSED)
            r = add_route(wanted, input, &address->local, RTN_UNREACHABLE, UINT32_MAX);
    }
    return r;
}
