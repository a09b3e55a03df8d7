/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What table N has in place of a route of main, and what is never diverted. */
#include "ipmodd/base/macro.h"
#include "kernel/wanted.h"

#include <errno.h>
#include <string.h>

/*
 * Multicast and limited broadcast are for neighbours; link-local addresses are not forwarded
 * (RFC 3927 2.7, RFC 4291 2.5.6), so a second pass would lose them.
 */
static const struct ip_prefix never_diverted[] = {
    {{FAMILY_IPV4, {224, 0, 0, 0}}, 4}, {{FAMILY_IPV4, {255, 255, 255, 255}}, 32},
    {{FAMILY_IPV4, {169, 254}}, 16},    {{FAMILY_IPV6, {0xff}}, 8},
    {{FAMILY_IPV6, {0xfe, 0x80}}, 10},
};

const struct ip_prefix *mirror_excluded(const struct config *config, size_t index)
{
    if (index < ARRAY_SIZE(never_diverted))
        return &never_diverted[index];
    index -= ARRAY_SIZE(never_diverted);
    return index < config->divert.exclude_count ? &config->divert.excludes[index] : NULL;
}

bool mirror_is_excluded(const struct config *config, const struct route_key *key)
{
    const struct ip_prefix *excluded;

    for (size_t i = 0; (excluded = mirror_excluded(config, i)) != NULL; i++) {
        if (excluded->addr.family == (enum ip_family)key->family && excluded->len <= key->dst_len &&
            ip_prefix_covers_bytes(excluded, key->dst))
            return true;
    }
    return false;
}

static bool hop_is_usable(const struct wanted_input *input, const struct hop *hop)
{
    const struct device *device = snapshot_device(input->snapshot, hop->ifindex);

    return (hop->flags & RTNH_F_DEAD) == 0 && hop->ifindex != input->tun_ifindex &&
           device != NULL && (device->flags & IFF_LOOPBACK) == 0;
}

const struct hop *mirror_usable_hop(const struct wanted_input *input, const struct route *first,
                                    const struct route **ret_route)
{
    for (const struct route *route = first; route != NULL; route = route->next) {
        for (uint32_t i = 0; i < route->hop_count; i++) {
            if (hop_is_usable(input, &route->hops[i])) {
                *ret_route = route;
                return &route->hops[i];
            }
        }
    }
    return NULL;
}

bool mirror_leads_to_loopback(const struct wanted_input *input, const struct route *route)
{
    for (uint32_t i = 0; i < route->hop_count; i++) {
        const struct device *device = snapshot_device(input->snapshot, route->hops[i].ifindex);

        if (device != NULL && (device->flags & IFF_LOOPBACK) != 0)
            return true;
    }
    return false;
}

/*
 * Whether what this host sends over the hop's device stays undiverted. A table serves both
 * directions, so with both a forwarded packet has to come in and to leave by devices of the list.
 */
static bool is_left_alone(const struct wanted_input *input, const struct hop *hop)
{
    const struct config_divert *divert = &input->config->divert;
    const struct device *device = snapshot_device(input->snapshot, hop->ifindex);

    return (divert->directions & DIRECTIONS_OUT) != 0 && device != NULL &&
           !config_diverts_device(divert, device->name);
}

static int copy_metrics(struct route *mirror, const struct route *route)
{
    struct route_metrics *metrics;

    if (route->metrics == NULL)
        return 0;
    metrics = route_metrics_of(mirror);
    if (metrics == NULL)
        return -ENOMEM;
    *metrics = *route->metrics;
    return 0;
}

static int set_metric(struct route *mirror, unsigned type, uint32_t value)
{
    struct route_metrics *metrics = route_metrics_of(mirror);

    if (metrics == NULL)
        return -ENOMEM;
    if ((metrics->mask & 1u << type) == 0) {
        metrics->mask |= 1u << type;
        metrics->values[type] = value;
    }
    return 0;
}

/* What the device of the hop would have given to packets, where tun0 would give something else. */
static int add_device_metrics(const struct wanted *wanted, const struct wanted_input *input,
                              const struct hop *hop, struct route *mirror)
{
    const struct device *device = snapshot_device(input->snapshot, hop->ifindex);
    const struct device *tun = snapshot_device(input->snapshot, input->tun_ifindex);
    bool is_ipv6 = mirror->key.family == FAMILY_IPV6;
    uint32_t mtu = device->mtu;

    if (is_ipv6 && device->has_ipv6 && device->mtu6 > 0)
        mtu = (uint32_t)device->mtu6;
    if (mtu < wanted->tun_mtu && set_metric(mirror, RTAX_MTU, mtu) < 0)
        return -ENOMEM;
    if (is_ipv6 && device->has_ipv6 && tun != NULL && tun->has_ipv6 &&
        device->hop_limit6 != tun->hop_limit6 && device->hop_limit6 > 0)
        return set_metric(mirror, RTAX_HOPLIMIT, (uint32_t)device->hop_limit6);
    return 0;
}

/*
 * The scope of every mirrored route is universe, also where main has a route to a link. When
 * somebody adds an IPv4 route `via GATEWAY` without a device, the kernel looks the gateway up with
 * the rules, as if this host had sent to it, among routes of scope link: it must find main's, not
 * the mirrored one, or the new route would lead over tun0.
 */
static int fill_unicast(const struct wanted *wanted, const struct wanted_input *input,
                        const struct route *route, const struct hop *hop, struct route *mirror)
{
    mirror->type = RTN_UNICAST;
    mirror->hops[0] = (struct hop){.ifindex = input->tun_ifindex};
    mirror->has_source = route->has_source;
    if (route->has_source)
        memcpy(mirror->source, route->source, sizeof(mirror->source));
    else if (route->key.family == FAMILY_IPV4)
        mirror->has_source = source_select(input->snapshot, route, hop, mirror->source);
    else if (wanted->names_source6)
        mirror->has_source = source_select6(input->snapshot, route, hop, mirror->source);
    if (copy_metrics(mirror, route) < 0)
        return -ENOMEM;
    return add_device_metrics(wanted, input, hop, mirror);
}

static uint8_t mirrored_type(const struct route *route)
{
    switch (route->type) {
    case RTN_BLACKHOLE:
    case RTN_UNREACHABLE:
    case RTN_PROHIBIT:
        return route->type;
    default:
        return RTN_THROW;
    }
}

int mirror_route(const struct wanted *wanted, const struct wanted_input *input,
                 const struct route *first, struct route **ret_route)
{
    struct route *mirror CLEANUP(route_cleanup) = NULL;
    const struct route *route = first;
    const struct hop *hop = NULL;

    if (input->config->divert.mirror == MIRROR_DEFAULT && first->key.dst_len != 0)
        return 0;
    if (mirror_is_excluded(input->config, &first->key))
        return 0;
    if (first->type == RTN_UNICAST)
        hop = mirror_usable_hop(input, first, &route);
    if (first->type == RTN_UNICAST && hop == NULL && !mirror_leads_to_loopback(input, first))
        return 0;
    if (hop != NULL && is_left_alone(input, hop))
        hop = NULL;
    mirror = route_new(hop != NULL ? 1 : 0);
    if (mirror == NULL)
        return -ENOMEM;
    mirror->key = first->key;
    mirror->type = mirrored_type(first);
    if (hop != NULL && fill_unicast(wanted, input, route, hop, mirror) < 0)
        return -ENOMEM;
    *ret_route = TAKE_PTR(mirror);
    return 1;
}
