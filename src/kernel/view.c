/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the packet path must know of the host, from a snapshot. */
#include "ipmodd/base/macro.h"
#include "kernel/snapshot.h"

#include <stdlib.h>

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

/* The given prefixes of tun0; host prefixes are its own address alone. */
static size_t tun_prefixes(const struct config *config, struct ip_prefix *prefixes)
{
    size_t count = 0;

    for (size_t i = 0; i < config->tun.address_count; i++) {
        const struct ip_prefix *given = &config->tun.addresses[i];

        if (given->len < IP_ADDR_BITS(given->addr.family))
            prefixes[count++] = ip_prefix_network(given);
    }
    return count;
}

struct host_view *snapshot_view(const struct snapshot *snapshot, const struct config *config)
{
    struct ip_addr *locals CLEANUP(cleanup_free) =
        calloc(snapshot->address_count + 1, sizeof(*locals));
    struct ip_addr *broadcasts CLEANUP(cleanup_free) =
        calloc(2 * snapshot->address_count + 1, sizeof(*broadcasts));
    struct ip_prefix *prefixes CLEANUP(cleanup_free) =
        calloc(config->tun.address_count + 1, sizeof(*prefixes));
    size_t broadcast_count = 0;

    if (locals == NULL || broadcasts == NULL || prefixes == NULL)
        return NULL;
    for (size_t i = 0; i < snapshot->address_count; i++) {
        const struct address *address = &snapshot->addresses[i];

        locals[i] = address->local;
        if (subnet_broadcast(address, &broadcasts[broadcast_count]))
            broadcast_count++;
        if (address->has_broadcast)
            broadcasts[broadcast_count++] = address->broadcast;
    }
    return host_view_new(locals, snapshot->address_count, broadcasts, broadcast_count, prefixes,
                         tun_prefixes(config, prefixes));
}
