/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IPv4 source address that the kernel chooses for a route without an explicit one. */
#include "kernel/wanted.h"

#include <linux/if_addr.h>
#include <string.h>

static bool is_candidate(const struct address *address, uint8_t scope)
{
    return address->local.family == FAMILY_IPV4 && (address->flags & IFA_F_SECONDARY) == 0 &&
           address->scope <= scope;
}

/* The first primary address of the hop's device, or better the one in the gateway's subnet. */
static const struct address *of_device(const struct snapshot *snapshot, const struct hop *hop,
                                       uint8_t scope)
{
    const struct address *first = NULL;

    for (size_t i = 0; i < snapshot->address_count; i++) {
        const struct address *address = &snapshot->addresses[i];
        struct ip_prefix subnet = {.addr = address->network, .len = address->prefix_len};

        if (address->ifindex != hop->ifindex || !is_candidate(address, scope))
            continue;
        if (!hop->has_gateway || ip_prefix_covers_bytes(&subnet, hop->gateway))
            return address;
        if (first == NULL)
            first = address;
    }
    return first;
}

bool source_select(const struct snapshot *snapshot, const struct route *route,
                   const struct hop *hop, uint8_t ret_source[4])
{
    const struct address *chosen = of_device(snapshot, hop, route->scope);

    /* A device without addresses borrows from any other, of a scope wider than its link. */
    for (size_t i = 0; i < snapshot->address_count && chosen == NULL; i++) {
        const struct address *address = &snapshot->addresses[i];
        const struct device *device = snapshot_device(snapshot, address->ifindex);

        if (is_candidate(address, route->scope) && address->scope != RT_SCOPE_LINK &&
            device != NULL && !device->is_tun)
            chosen = address;
    }
    if (chosen == NULL)
        return false;
    memcpy(ret_source, chosen->local.bytes, 4);
    return true;
}
