/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a ping needs to be answered to the tun device: a destination elsewhere, a source of ours. */
#include "ping_wish.h"

#include <string.h>

static bool is_host_address(const struct ip_addr *addr)
{
    static const uint8_t all[4] = {255, 255, 255, 255};

    return addr->family == FAMILY_IPV4 ? (addr->bytes[0] & 0xf0) != 0xe0 && addr->bytes[0] != 0 &&
                                             memcmp(addr->bytes, all, sizeof(all)) != 0
                                       : addr->bytes[0] != 0xff;
}

/* The first address of PREFIX that is neither tun0's own nor another one of this host. */
static bool choose_in(const struct host_view *view, const struct ip_prefix *prefix,
                      struct ip_addr *ret_addr)
{
    struct ip_addr addr = ip_prefix_network(prefix).addr;
    uint8_t *last = &addr.bytes[IP_ADDR_BYTES(addr.family) - 1];

    for (unsigned i = 1; i < 255; i++) {
        ++*last;
        if (!ip_prefix_covers(prefix, &addr))
            return false;
        if (host_view_is_local(view, addr.family, addr.bytes) ||
            host_view_is_broadcast(view, addr.family, addr.bytes))
            continue;
        *ret_addr = addr;
        return true;
    }
    return false;
}

static bool choose_source(const struct engine *engine, struct control_ping *wish)
{
    const struct config_tun *tun = &engine->loaded.config->tun;

    for (size_t i = 0; i < tun->address_count; i++) {
        const struct ip_prefix *prefix = &tun->addresses[i];

        if (prefix->addr.family == wish->dst.family &&
            prefix->len < IP_ADDR_BITS(wish->dst.family) &&
            choose_in(engine->view, prefix, &wish->src))
            return true;
    }
    return false;
}

static const char *example_of(enum ip_family family)
{
    return family == FAMILY_IPV4 ? "192.168.69.100/24" : "fd00:69::100/64";
}

bool ping_complete(const struct engine *engine, struct control_client *client,
                   struct control_ping *wish)
{
    const struct host_view *view = engine->view;
    const char *device = engine->loaded.config->tun.name;
    enum ip_family family = wish->dst.family;
    char text[IP_PREFIX_TEXT];

    if (!is_host_address(&wish->dst) || host_view_is_local(view, family, wish->dst.bytes) ||
        host_view_is_tun_prefix(view, family, wish->dst.bytes))
        control_refuse(client, "usage", "%s is not the address of another host",
                       ip_addr_format(&wish->dst, text));
    else if (!wish->has_src && !choose_source(engine, wish))
        control_refuse(
            client, "failed",
            "%s has no %s network to take a source from, so no answer would come back "
            "to it: give it one, such as [tun] address = %s (the list has to have one of "
            "each family that is diverted)",
            device, family == FAMILY_IPV4 ? "IPv4" : "IPv6", example_of(family));
    else if (wish->src.family != family ||
             !host_view_is_tun_prefix(view, family, wish->src.bytes) ||
             host_view_is_local(view, family, wish->src.bytes))
        control_refuse(client, "usage",
                       "the source %s is not in the network of %s, or an address of this host: no "
                       "answer would come back to %s; one in [tun] address does",
                       ip_addr_format(&wish->src, text), device, device);
    else
        return true;
    return false;
}
