/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts made of words. */
#include "hosts.h"

#include <stdlib.h>
#include <string.h>

static void add_device(struct host *host, uint32_t ifindex, const char *name, uint32_t flags)
{
    struct snapshot *snapshot = &host->snapshot;
    struct device *device;

    snapshot->devices =
        reallocarray(snapshot->devices, snapshot->device_count + 1, sizeof(*snapshot->devices));
    assert_non_null(snapshot->devices);
    device = &snapshot->devices[snapshot->device_count++];
    *device = (struct device){
        .ifindex = ifindex,
        .mtu = 1500,
        .flags = IFF_UP | flags,
        .has_ipv6 = true,
        .mtu6 = 1500,
        .hop_limit6 = 64,
    };
    strcpy(device->name, name);
}

struct host *host_make(void)
{
    struct host *host = calloc(1, sizeof(*host));

    assert_non_null(host);
    host->config = config_new();
    host->ledger = LEDGER_INIT;
    snapshot_init(&host->snapshot, host->config);
    host->snapshot.has_ipv6 = true;
    host->snapshot.has_force_forwarding = true;
    add_device(host, LO, "lo", IFF_LOOPBACK);
    add_device(host, ETH0, "eth0", 0);
    add_device(host, ETH1, "eth1", 0);
    add_device(host, TUN, "tun0", 0);
    return host;
}

void host_clear(struct host *host)
{
    wanted_clear(&host->wanted);
    snapshot_clear(&host->snapshot);
    ledger_close(&host->ledger);
    config_free(host->config);
    free(host);
}

struct wanted_input host_input(const struct host *host)
{
    return (struct wanted_input){
        .config = host->config,
        .snapshot = &host->snapshot,
        .ledger = &host->ledger,
        .tun_ifindex = TUN,
    };
}

struct device *host_device(struct host *host, uint32_t ifindex)
{
    for (size_t i = 0; i < host->snapshot.device_count; i++) {
        if (host->snapshot.devices[i].ifindex == ifindex)
            return &host->snapshot.devices[i];
    }
    fail();
    return NULL;
}

static struct ip_prefix prefix_of(const char *text)
{
    struct ip_prefix prefix;

    assert_int_equal(ip_prefix_parse(text, &prefix), 0);
    return prefix;
}

struct address *host_add_address(struct host *host, uint32_t ifindex, const char *text)
{
    struct snapshot *snapshot = &host->snapshot;
    struct ip_prefix prefix = prefix_of(text);
    struct address *address;

    snapshot->addresses = reallocarray(snapshot->addresses, snapshot->address_count + 1,
                                       sizeof(*snapshot->addresses));
    assert_non_null(snapshot->addresses);
    address = &snapshot->addresses[snapshot->address_count++];
    *address = (struct address){
        .ifindex = ifindex,
        .local = prefix.addr,
        .network = prefix.addr,
        .prefix_len = prefix.len,
        .preferred = UINT32_MAX,
        .valid = UINT32_MAX,
    };
    return address;
}

struct route *host_add_route(struct host *host, const char *text, uint32_t ifindex,
                             const char *gateway)
{
    struct ip_prefix prefix = prefix_of(text);
    struct route *route = route_new(1);

    assert_non_null(route);
    route->key.family = (uint8_t)prefix.addr.family;
    route->key.dst_len = prefix.len;
    memcpy(route->key.dst, prefix.addr.bytes, sizeof(route->key.dst));
    route->type = RTN_UNICAST;
    route->scope = gateway != NULL ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    route->hops[0].ifindex = ifindex;
    if (gateway != NULL && prefix.addr.family == FAMILY_IPV4) {
        struct ip_prefix via = prefix_of(gateway);

        route->hops[0].has_gateway = true;
        memcpy(route->hops[0].gateway, via.addr.bytes, 4);
    }
    assert_in_range(snapshot_route_added(&host->snapshot, route, NLM_F_APPEND), MAIN_KEY,
                    MAIN_DEVICES);
    return route;
}

void host_compute(struct host *host)
{
    const struct wanted_input input = host_input(host);

    assert_int_equal(wanted_compute_host(&host->wanted, &input), 0);
    assert_int_equal(wanted_compute_routes(&host->wanted, &input), 0);
}

const struct route *host_find(const struct host *host, const char *text, uint32_t metric)
{
    struct ip_prefix prefix = prefix_of(text);
    struct route_key key = {
        .family = (uint8_t)prefix.addr.family,
        .dst_len = prefix.len,
        .metric = metric,
    };

    memcpy(key.dst, prefix.addr.bytes, sizeof(key.dst));
    return route_set_find(&host->wanted.routes, &key);
}

const char *source_text(const struct route *route, char buffer[static IP_PREFIX_TEXT])
{
    struct ip_addr source = ip_addr_from_bytes(route->key.family, route->source);

    if (!route->has_source)
        return "";
    return ip_addr_format(&source, buffer);
}
