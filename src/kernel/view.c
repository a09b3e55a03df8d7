/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the packet path must know of the host, from a snapshot. */
#include "ipmodd/base/macro.h"
#include "kernel/snapshot.h"

#include <stdlib.h>

enum { PREFIXES_MAX = 64 };

/* The last address of an IPv4 subnet is its broadcast address even where none is configured. */
static bool subnet_broadcast(const struct address *address, struct ip_addr *ret_broadcast)
{
    struct ip_prefix subnet = {.addr = address->network, .len = address->prefix_len};

    if (address->local.family != FAMILY_IPV4 || address->prefix_len >= 31)
        return false;
    *ret_broadcast = ip_prefix_network(&subnet).addr;
    for (unsigned bit = address->prefix_len; bit < 32; bit++)
        ret_broadcast->bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
    return true;
}

static bool leads_over(const struct route *first, uint32_t ifindex)
{
    for (const struct route *route = first; route != NULL; route = route->next) {
        for (uint32_t i = 0; i < route->hop_count; i++) {
            if (route->hops[i].ifindex == ifindex)
                return true;
        }
    }
    return false;
}

/* Of addresses given to tun0 itself. */
static size_t own_prefixes(const struct config *config,
                           struct ip_prefix prefixes[static PREFIXES_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < config->tun.address_count && count < PREFIXES_MAX; i++) {
        const struct ip_prefix *given = &config->tun.addresses[i];

        if (given->len < IP_ADDR_BITS(given->addr.family))
            prefixes[count++] = ip_prefix_network(given);
    }
    return count;
}

/*
 * What main routes to tun0, its own prefixes among it. Written back, such a packet gets no further
 * than the guards. A default route is left out: longer prefixes that lead elsewhere would be hit;
 * those packets are the guards' to refuse.
 */
static size_t loops(const struct snapshot *snapshot, uint32_t tun_ifindex,
                    struct ip_prefix prefixes[static PREFIXES_MAX])
{
    const struct route *route = NULL;
    size_t count = 0;

    if (snapshot_device_used(snapshot, tun_ifindex))
        route = snapshot->main.routes;
    for (; route != NULL && count < PREFIXES_MAX; route = route->hh.next) {
        if (route->key.dst_len > 0 && leads_over(route, tun_ifindex))
            prefixes[count++] = (struct ip_prefix){
                .addr = ip_addr_from_bytes(route->key.family, route->key.dst),
                .len = route->key.dst_len,
            };
    }
    return count;
}

static struct host_view *add_loops(struct host_view *view, const struct snapshot *snapshot,
                                   uint32_t tun_ifindex)
{
    struct ip_prefix prefixes[PREFIXES_MAX];

    if (view != NULL &&
        host_view_set_loops(view, prefixes, loops(snapshot, tun_ifindex, prefixes)) == 0)
        return view;
    host_view_free(view);
    return NULL;
}

struct host_view *snapshot_view(const struct snapshot *snapshot, const struct config *config,
                                uint32_t tun_ifindex)
{
    struct ip_addr *locals CLEANUP(cleanup_free) =
        calloc(snapshot->address_count + 1, sizeof(*locals));
    struct ip_addr *broadcasts CLEANUP(cleanup_free) =
        calloc(2 * snapshot->address_count + 1, sizeof(*broadcasts));
    struct ip_prefix own[PREFIXES_MAX];
    struct host_view *view;
    size_t broadcast_count = 0;

    if (locals == NULL || broadcasts == NULL)
        return NULL;
    for (size_t i = 0; i < snapshot->address_count; i++) {
        const struct address *address = &snapshot->addresses[i];

        locals[i] = address->local;
        if (subnet_broadcast(address, &broadcasts[broadcast_count]))
            broadcast_count++;
        if (address->has_broadcast)
            broadcasts[broadcast_count++] = address->broadcast;
    }
    view = host_view_new(locals, snapshot->address_count, broadcasts, broadcast_count, own,
                         own_prefixes(config, own));
    if (view != NULL)
        view->inbound = (config->divert.directions & DIRECTIONS_IN) != 0;
    return add_loops(view, snapshot, tun_ifindex);
}
