/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the kernel where packets that come out of tun0 would go. */
#include "kernel/check.h"

#include <errno.h>

enum { SAMPLES_MAX = 16 };

/* Addresses that nothing but a default route should lead to (RFC 5737, RFC 3849). */
static const struct ip_addr probes[] = {
    {FAMILY_IPV4, {198, 51, 100, 250}},
    {FAMILY_IPV4, {203, 0, 113, 250}},
    {FAMILY_IPV6, {0x20, 0x01, 0x0d, 0xb8, 0xff, 0xfe, [15] = 1}},
};

static bool is_own_prefix(const struct apply *apply, const struct route_key *key)
{
    const struct config_tun *tun = &apply->config->tun;

    for (size_t i = 0; i < tun->address_count; i++) {
        const struct ip_prefix *own = &tun->addresses[i];

        if (own->addr.family == (enum ip_family)key->family && own->len <= key->dst_len &&
            ip_prefix_covers_bytes(own, key->dst))
            return true;
    }
    /* Multicast and link-local routes that IPv6 makes by itself are excluded from diversion. */
    return mirror_is_excluded(apply->config, key);
}

bool check_route_loops(const struct apply *apply, const struct route *first)
{
    for (const struct route *route = first; route != NULL; route = route->next) {
        for (uint32_t i = 0; i < route->hop_count; i++) {
            if (route->hops[i].ifindex == apply->tun->ifindex && !is_own_prefix(apply, &route->key))
                return true;
        }
    }
    return false;
}

static int note_device(void *context, const struct nlmsghdr *message)
{
    struct nlattr *oif = nlmsg_find_attr((struct nlmsghdr *)message, sizeof(struct rtmsg), RTA_OIF);
    uint32_t *ifindex = context;

    *ifindex = oif != NULL ? nla_get_u32(oif) : 0;
    return 0;
}

/* A source that the kernel accepts from tun0, or NULL: with none it would answer "martian". */
static const struct ip_addr *a_source(const struct apply *apply, enum ip_family family)
{
    for (size_t i = 0; i < apply->wanted->address_count; i++) {
        if (apply->wanted->addresses[i].local.family == family)
            return &apply->wanted->addresses[i].local;
    }
    return NULL;
}

static struct nl_msg *question(const struct apply *apply, const struct ip_addr *to,
                               const struct ip_addr *from)
{
    int len = (int)IP_ADDR_BYTES(to->family);
    struct rtmsg header = {
        .rtm_family = (uint8_t)ip_family_to_af(to->family),
        .rtm_dst_len = (uint8_t)IP_ADDR_BITS(to->family),
        .rtm_src_len = (uint8_t)IP_ADDR_BITS(to->family),
    };
    struct nl_msg *message = nlmsg_alloc_simple(RTM_GETROUTE, 0);

    if (message == NULL)
        return NULL;
    if (nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
        nla_put(message, RTA_DST, len, to->bytes) < 0 ||
        nla_put(message, RTA_SRC, len, from->bytes) < 0 ||
        nla_put_u32(message, RTA_IIF, apply->tun->ifindex) < 0) {
        nlmsg_free(message);
        return NULL;
    }
    return message;
}

/* The kernel did not get as far as an answer, which would say that there is no way. */
static bool is_no_answer(int error)
{
    return error == -ENOMEM || error == -ENOBUFS || error == -ETIMEDOUT;
}

/* 1 if a packet to TO that comes out of tun0 goes into it again; a refusal means that it does not.
 */
static int ask(const struct apply *apply, const struct ip_addr *to)
{
    const struct ip_addr *from = a_source(apply, to->family);
    uint32_t ifindex = 0;
    char text[IP_PREFIX_TEXT];
    int r;

    if (from == NULL || ip_addr_equal(from, to))
        return 0;
    r = netlink_query(apply->netlink, question(apply, to, from), note_device, &ifindex);
    if (is_no_answer(r))
        return fault_set(apply->fault, r, "asking where a packet to %s from %s would go",
                         ip_addr_format(to, text), apply->tun->name);
    if (r < 0 || ifindex != apply->tun->ifindex)
        return 0;
    fault_explain(apply->fault, -ELOOP,
                  "a packet to %s that comes out of %s would be routed into it again: a rule in "
                  "front of priority %u or a route of main leads there",
                  ip_addr_format(to, text), apply->tun->name, apply->config->divert.priority);
    return 1;
}

static int report_route(const struct apply *apply, const struct route *route)
{
    char text[ROUTE_KEY_TEXT];

    fault_explain(apply->fault, -ELOOP,
                  "table main has the %s route %s over %s: what is written back would come "
                  "round again",
                  ip_family_name(route->key.family), route_key_format(&route->key, text),
                  apply->tun->name);
    return 1;
}

int check_for_loop(const struct apply *apply)
{
    unsigned samples = 0;
    int r = 0;

    if (snapshot_device_used(apply->snapshot, apply->tun->ifindex)) {
        for (const struct route *first = apply->snapshot->main.routes; first != NULL;
             first = first->hh.next) {
            if (check_route_loops(apply, first))
                return report_route(apply, first);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(probes) && r == 0; i++) {
        if ((apply->snapshot->families & 1u << probes[i].family) != 0)
            r = ask(apply, &probes[i]);
    }
    for (const struct route *route = apply->wanted->routes.routes;
         route != NULL && samples < SAMPLES_MAX && r == 0; route = route->hh.next) {
        struct ip_addr to = ip_addr_from_bytes(route->key.family, route->key.dst);

        if (route->type != RTN_UNICAST || route->key.dst_len == 0)
            continue;
        samples++;
        r = ask(apply, &to);
    }
    return r;
}
