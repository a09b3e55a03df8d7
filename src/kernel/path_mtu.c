/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How large a packet may be on its way through table N, for the packet path. */
#include "ipmodd/base/macro.h"
#include "kernel/wanted.h"

#include <errno.h>
#include <stdlib.h>

uint32_t wanted_route_mtu(const struct route *route)
{
    if (route->metrics == NULL || (route->metrics->mask & 1u << RTAX_MTU) == 0)
        return 0;
    return route->metrics->values[RTAX_MTU];
}

static size_t count_routes(const struct route_set *routes, bool *ret_vary)
{
    size_t count = 0;

    *ret_vary = false;
    for (const struct route *route = routes->routes; route != NULL; route = route->hh.next) {
        count += route->type == RTN_UNICAST;
        *ret_vary |= wanted_route_mtu(route) != 0;
    }
    return count;
}

/* Where no route has an MTU of its own, all packets are as large as tun0 takes them. */
static int set_everywhere(const struct wanted *wanted, struct host_view *view)
{
    struct route_value all[FAMILY_COUNT];

    for (unsigned family = 0; family < FAMILY_COUNT; family++)
        all[family] = (struct route_value){
            .prefix = {.addr = {.family = (enum ip_family)family}},
            .value = wanted->tun_mtu,
        };
    return host_view_set_path_mtus(view, all, ARRAY_SIZE(all));
}

int wanted_set_path_mtus(struct wanted *wanted, struct host_view *view)
{
    size_t count = count_routes(&wanted->routes, &wanted->mtus_vary);
    struct route_value *mtus CLEANUP(cleanup_free) = NULL;
    size_t used = 0;

    if (!wanted->mtus_vary)
        return set_everywhere(wanted, view);
    mtus = calloc(count, sizeof(*mtus));
    if (mtus == NULL)
        return -ENOMEM;
    for (const struct route *route = wanted->routes.routes; route != NULL; route = route->hh.next) {
        uint32_t mtu = wanted_route_mtu(route);

        if (route->type != RTN_UNICAST)
            continue;
        mtus[used++] = (struct route_value){
            .prefix = {.addr = ip_addr_from_bytes(route->key.family, route->key.dst),
                       .len = route->key.dst_len},
            .metric = route->key.metric,
            .value = mtu != 0 ? MIN_OF(mtu, wanted->tun_mtu) : wanted->tun_mtu,
        };
    }
    return host_view_set_path_mtus(view, mtus, used);
}
