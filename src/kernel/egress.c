/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By which device and next hop main sends a packet, and the addresses to choose a source from. */
#include "ipmodd/base/macro.h"
#include "kernel/wanted.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <stdlib.h>
#include <string.h>

/*
 * Those of devices other than tun0, whose addresses are borrowed or nobody's. IPv4: primary and of
 * scope universe, as inet_select_addr() takes them. IPv6: usable, and of a scope that is forwarded.
 */
static bool is_source(const struct wanted_input *input, const struct address *address)
{
    const uint32_t unready = IFA_F_TENTATIVE | IFA_F_DADFAILED;

    if (address->ifindex == input->tun_ifindex || address->scope >= RT_SCOPE_LINK)
        return false;
    if (address->local.family == FAMILY_IPV4)
        return address->scope == RT_SCOPE_UNIVERSE && (address->flags & IFA_F_SECONDARY) == 0;
    return (address->flags & unready) == 0 || (address->flags & IFA_F_OPTIMISTIC) != 0;
}

static struct host_source source_of(const struct snapshot *snapshot, const struct address *address)
{
    const struct device *device = snapshot_device(snapshot, address->ifindex);
    bool is_ipv6 = address->local.family == FAMILY_IPV6;

    return (struct host_source){
        .addr = address->local,
        .subnet = {.addr = address->network, .len = address->prefix_len},
        .ifindex = address->ifindex,
        .deprecated = is_ipv6 && (address->flags & (IFA_F_DEPRECATED | IFA_F_OPTIMISTIC)) != 0,
        .temporary = is_ipv6 && (address->flags & IFA_F_TEMPORARY) != 0,
        .wants_temporary = is_ipv6 && device != NULL && device->use_tempaddr6 > 1,
    };
}

static int set_sources(const struct wanted_input *input, struct host_view *view)
{
    const struct snapshot *snapshot = input->snapshot;
    struct host_source *sources CLEANUP(cleanup_free) =
        calloc(snapshot->address_count + 1, sizeof(*sources));
    size_t count = 0;

    if (sources == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < snapshot->address_count; i++) {
        if (is_source(input, &snapshot->addresses[i]))
            sources[count++] = source_of(snapshot, &snapshot->addresses[i]);
    }
    return host_view_set_sources(view, sources, count);
}

/*
 * Whether packets to KEY's prefix follow the routes of FIRST, and where to. Routes for one type of
 * service or one source prefix are left out: most packets do not take them.
 */
static bool find_egress(const struct wanted_input *input, const struct route *first,
                        struct host_egress *ret_egress)
{
    const struct route *route;
    const struct hop *hop;

    if (first->key.tos != 0 || first->key.src_len != 0)
        return false;
    *ret_egress = (struct host_egress){.ifindex = 0};
    if (first->type != RTN_UNICAST)
        return true;
    hop = mirror_usable_hop(input, first, &route);
    if (hop == NULL)
        return mirror_leads_to_loopback(input, first);
    ret_egress->ifindex = hop->ifindex;
    ret_egress->has_gateway = hop->has_gateway;
    memcpy(ret_egress->gateway, hop->gateway, sizeof(hop->gateway));
    return true;
}

int egress_fill_view(const struct wanted_input *input, struct host_view *view)
{
    const struct route_set *main = &input->snapshot->main;
    struct host_route *routes CLEANUP(cleanup_free) = NULL;
    size_t count = 0;

    if (!input->config->divert.masquerades)
        return 0;
    routes = calloc(route_set_count(main) + 1, sizeof(*routes));
    if (routes == NULL || set_sources(input, view) < 0)
        return -ENOMEM;
    for (const struct route *route = main->routes; route != NULL; route = route->hh.next) {
        if (!find_egress(input, route, &routes[count].egress))
            continue;
        routes[count].prefix = (struct ip_prefix){
            .addr = ip_addr_from_bytes(route->key.family, route->key.dst),
            .len = route->key.dst_len,
        };
        routes[count++].metric = route->key.metric;
    }
    return host_view_set_routes(view, routes, count);
}
