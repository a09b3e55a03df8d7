/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source address that the kernel would choose for a route that names none. */
#include "ipmodd/base/macro.h"
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

static bool is_ula(const uint8_t *bytes)
{
    return (bytes[0] & 0xfe) == 0xfc;
}

static unsigned common_bits(const uint8_t *a, const uint8_t *b, unsigned limit)
{
    unsigned bits = 0;

    while (bits < limit && ((a[bits / 8] ^ b[bits / 8]) & 0x80u >> bits % 8) == 0)
        bits++;
    return bits;
}

/*
 * How good ADDRESS is for destinations of KEY, by the rules of RFC 6724 section 5 that can tell
 * addresses of one device apart: 3 (not deprecated), 6 (label: ULA or not), 7 (temporary as the
 * device prefers), 8 (longest common prefix).
 */
static unsigned merit(const struct device *device, const struct address *address,
                      const struct route_key *key)
{
    bool wants_temporary = device != NULL && device->use_tempaddr6 > 1;
    bool is_temporary = (address->flags & IFA_F_TEMPORARY) != 0;
    unsigned limit = MIN_OF((unsigned)key->dst_len, (unsigned)address->prefix_len);

    return (address->preferred > 0 ? 1000u : 0) +
           (is_ula(address->local.bytes) == is_ula(key->dst) ? 500u : 0) +
           (is_temporary == wants_temporary ? 200u : 0) +
           common_bits(address->local.bytes, key->dst, limit);
}

bool source_select6(const struct snapshot *snapshot, const struct route *route,
                    const struct hop *hop, uint8_t ret_source[16])
{
    const struct device *device = snapshot_device(snapshot, hop->ifindex);
    const struct address *best = NULL;

    for (size_t i = 0; i < snapshot->address_count; i++) {
        const struct address *address = &snapshot->addresses[i];

        if (address->ifindex != hop->ifindex || address->local.family != FAMILY_IPV6 ||
            address->scope >= RT_SCOPE_LINK || address->valid == 0 ||
            (address->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0)
            continue;
        if (best == NULL || merit(device, address, &route->key) > merit(device, best, &route->key))
            best = address;
    }
    if (best == NULL)
        return false;
    memcpy(ret_source, best->local.bytes, 16);
    return true;
}
