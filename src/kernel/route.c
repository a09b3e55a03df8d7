/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes: from and to netlink messages, comparison, text. */
#include "kernel/route.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>

struct route *route_new(uint32_t hop_count)
{
    struct route *route = calloc(1, sizeof(*route) + hop_count * sizeof(route->hops[0]));

    if (route != NULL)
        route->hop_count = hop_count;
    return route;
}

void route_free(struct route *route)
{
    if (route == NULL)
        return;
    free(route->metrics);
    free(route);
}

void route_cleanup(struct route **route)
{
    route_free(*route);
}

struct route_metrics *route_metrics_of(struct route *route)
{
    if (route->metrics == NULL)
        route->metrics = calloc(1, sizeof(*route->metrics));
    return route->metrics;
}

static int metrics_parse(struct nlattr *nested, struct route *route)
{
    struct route_metrics *metrics = route_metrics_of(route);
    struct nlattr *attr;
    int left;

    if (metrics == NULL)
        return -ENOMEM;
    nla_for_each_nested(attr, nested, left)
    {
        int type = nla_type(attr);

        if (type == RTAX_CC_ALGO)
            nla_strlcpy(metrics->congestion, attr, sizeof(metrics->congestion));
        else if (type > 0 && type <= RTAX_MAX && nla_len(attr) == sizeof(uint32_t))
            metrics->values[type] = nla_get_u32(attr);
        else
            continue; /* newer than our headers */
        metrics->mask |= 1u << type;
    }
    return 0;
}

static void hop_set_gateway(struct hop *hop, enum ip_family family, struct nlattr *gateway)
{
    if (family != FAMILY_IPV4 || gateway == NULL || nla_len(gateway) != sizeof(hop->gateway))
        return;
    hop->has_gateway = true;
    memcpy(hop->gateway, nla_data(gateway), sizeof(hop->gateway));
}

static bool rtnexthop_fits(const struct rtnexthop *hop, int left)
{
    return left >= (int)sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= left;
}

/* RTNH_NEXT() without its cast through char *: netlink keeps nexthops aligned. */
static const struct rtnexthop *rtnexthop_after(const struct rtnexthop *hop)
{
    return (const void *)((const char *)hop + RTNH_ALIGN(hop->rtnh_len));
}

static uint32_t multipath_count(struct nlattr *multipath)
{
    const struct rtnexthop *hop = nla_data(multipath);
    int left = nla_len(multipath);
    uint32_t count = 0;

    for (; rtnexthop_fits(hop, left); hop = rtnexthop_after(hop)) {
        left -= RTNH_ALIGN(hop->rtnh_len);
        count++;
    }
    return count;
}

static void multipath_parse(struct nlattr *multipath, enum ip_family family, struct route *route)
{
    const struct rtnexthop *hop = nla_data(multipath);

    for (uint32_t i = 0; i < route->hop_count; i++, hop = rtnexthop_after(hop)) {
        struct nlattr *head = (struct nlattr *)(void *)(hop + 1);
        int len = hop->rtnh_len - (int)sizeof(*hop);

        route->hops[i].ifindex = (uint32_t)hop->rtnh_ifindex;
        route->hops[i].flags = hop->rtnh_flags;
        hop_set_gateway(&route->hops[i], family, nla_find(head, len, RTA_GATEWAY));
    }
}

/* The hops of a route: multipath, one device, or none (unreachable, or a nexthop object alone). */
static struct route *hops_parse(const struct rtmsg *header, struct nlattr *attrs[],
                                enum ip_family family)
{
    struct route *route;

    if (header->rtm_type != RTN_UNICAST)
        return route_new(0);
    if (attrs[RTA_MULTIPATH] != NULL) {
        route = route_new(multipath_count(attrs[RTA_MULTIPATH]));
        if (route != NULL)
            multipath_parse(attrs[RTA_MULTIPATH], family, route);
        return route;
    }
    if (attrs[RTA_OIF] == NULL)
        return route_new(0);
    route = route_new(1);
    if (route == NULL)
        return NULL;
    route->hops[0].ifindex = nla_get_u32(attrs[RTA_OIF]);
    route->hops[0].flags = (uint8_t)header->rtm_flags;
    hop_set_gateway(&route->hops[0], family, attrs[RTA_GATEWAY]);
    return route;
}

/* Copies an address attribute of FAMILY; false where it is absent or of another length. */
static bool address_get(struct nlattr *attr, enum ip_family family, uint8_t *bytes)
{
    if (attr == NULL || nla_len(attr) != (int)IP_ADDR_BYTES(family))
        return false;
    memcpy(bytes, nla_data(attr), IP_ADDR_BYTES(family));
    return true;
}

static void key_parse(const struct rtmsg *header, struct nlattr *attrs[], enum ip_family family,
                      struct route_key *key)
{
    key->family = (uint8_t)family;
    key->tos = header->rtm_tos;
    if (address_get(attrs[RTA_DST], family, key->dst))
        key->dst_len = header->rtm_dst_len;
    if (address_get(attrs[RTA_SRC], family, key->src))
        key->src_len = header->rtm_src_len;
    if (attrs[RTA_PRIORITY] != NULL)
        key->metric = nla_get_u32(attrs[RTA_PRIORITY]);
}

static const struct nla_policy policy[RTA_MAX + 1] = {
    [RTA_OIF] = {.type = NLA_U32},
    [RTA_PRIORITY] = {.type = NLA_U32},
    [RTA_NH_ID] = {.type = NLA_U32},
    [RTA_TABLE] = {.type = NLA_U32},
};

int route_parse(const struct nlmsghdr *message, struct route **ret_route, uint32_t *ret_table)
{
    struct route *route CLEANUP(route_cleanup) = NULL;
    const struct rtmsg *header = nlmsg_data(message);
    struct nlattr *attrs[RTA_MAX + 1];
    enum ip_family family;

    if (nlmsg_parse((struct nlmsghdr *)message, sizeof(*header), attrs, RTA_MAX, policy) < 0)
        return -EBADMSG;
    if (header->rtm_family != AF_INET && header->rtm_family != AF_INET6)
        return 0;
    if ((header->rtm_flags & RTM_F_CLONED) != 0)
        return 0;
    family = header->rtm_family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6;
    if (header->rtm_dst_len > IP_ADDR_BITS(family) || header->rtm_src_len > IP_ADDR_BITS(family))
        return -EBADMSG;
    route = hops_parse(header, attrs, family);
    if (route == NULL)
        return -ENOMEM;
    key_parse(header, attrs, family, &route->key);
    route->type = header->rtm_type;
    route->protocol = header->rtm_protocol;
    route->scope = header->rtm_scope;
    route->has_source = address_get(attrs[RTA_PREFSRC], family, route->source);
    if (attrs[RTA_NH_ID] != NULL)
        route->nexthop_id = nla_get_u32(attrs[RTA_NH_ID]);
    if (attrs[RTA_METRICS] != NULL && metrics_parse(attrs[RTA_METRICS], route) < 0)
        return -ENOMEM;
    *ret_table = attrs[RTA_TABLE] != NULL ? nla_get_u32(attrs[RTA_TABLE]) : header->rtm_table;
    *ret_route = TAKE_PTR(route);
    return 1;
}

static bool metrics_same(const struct route_metrics *a, const struct route_metrics *b)
{
    if (a == NULL || b == NULL)
        return (a == NULL || a->mask == 0) && (b == NULL || b->mask == 0);
    return a->mask == b->mask && memcmp(a->values, b->values, sizeof(a->values)) == 0 &&
           strcmp(a->congestion, b->congestion) == 0;
}

bool route_same(const struct route *a, const struct route *b)
{
    if (a->type != b->type || a->hop_count != b->hop_count || a->nexthop_id != b->nexthop_id ||
        a->has_source != b->has_source || !metrics_same(a->metrics, b->metrics))
        return false;
    if (a->has_source && memcmp(a->source, b->source, sizeof(a->source)) != 0)
        return false;
    for (uint32_t i = 0; i < a->hop_count; i++) {
        if (a->hops[i].ifindex != b->hops[i].ifindex ||
            a->hops[i].has_gateway != b->hops[i].has_gateway ||
            memcmp(a->hops[i].gateway, b->hops[i].gateway, sizeof(a->hops[i].gateway)) != 0)
            return false;
    }
    return true;
}

static int metrics_put(struct nl_msg *message, const struct route_metrics *metrics)
{
    struct nlattr *nested;
    int r = 0;

    if (metrics == NULL || metrics->mask == 0)
        return 0;
    nested = nla_nest_start(message, RTA_METRICS);
    if (nested == NULL)
        return -ENOMEM;
    for (int type = 1; type <= RTAX_MAX && r == 0; type++) {
        if ((metrics->mask & 1u << type) == 0)
            continue;
        r = type == RTAX_CC_ALGO ? nla_put_string(message, type, metrics->congestion)
                                 : nla_put_u32(message, type, metrics->values[type]);
    }
    nla_nest_end(message, nested);
    return r;
}

/*
 * The part that additions and deletions have in common. The scope is global though a tun device has
 * no gateway: when somebody adds `X via GATEWAY` to main, the kernel looks the gateway up by policy
 * rules among routes of link scope, and would find tun0 behind it.
 */
static struct nl_msg *message_start(const struct route *route, uint32_t table, int type,
                                    uint16_t flags)
{
    const struct route_key *key = &route->key;
    int address_bytes = (int)IP_ADDR_BYTES(key->family);
    struct rtmsg header = {
        .rtm_family = (uint8_t)ip_family_to_af(key->family),
        .rtm_dst_len = key->dst_len,
        .rtm_src_len = key->src_len,
        .rtm_tos = key->tos,
        .rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC,
        .rtm_protocol = DIVERT_PROTOCOL,
        .rtm_scope = RT_SCOPE_UNIVERSE, /* see mirror.c */
        .rtm_type = route->type,
    };
    struct nl_msg *message = nlmsg_alloc_simple(type, flags);

    if (message == NULL)
        return NULL;
    if (nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
        nla_put_u32(message, RTA_TABLE, table) < 0 ||
        (key->dst_len > 0 && nla_put(message, RTA_DST, address_bytes, key->dst) < 0) ||
        (key->src_len > 0 && nla_put(message, RTA_SRC, address_bytes, key->src) < 0) ||
        nla_put_u32(message, RTA_PRIORITY, key->metric) < 0 ||
        (route->hop_count > 0 && nla_put_u32(message, RTA_OIF, route->hops[0].ifindex) < 0)) {
        nlmsg_free(message);
        return NULL;
    }
    return message;
}

struct nl_msg *route_message_new(const struct route *route, uint32_t table, uint16_t flags)
{
    struct nl_msg *message = message_start(route, table, RTM_NEWROUTE, flags);

    if (message == NULL)
        return NULL;
    if ((route->has_source &&
         nla_put(message, RTA_PREFSRC, (int)IP_ADDR_BYTES(route->key.family), route->source) < 0) ||
        metrics_put(message, route->metrics) < 0) {
        nlmsg_free(message);
        return NULL;
    }
    return message;
}

struct nl_msg *route_message_del(const struct route *route, uint32_t table)
{
    return message_start(route, table, RTM_DELROUTE, 0);
}

struct nl_msg *route_message_dump(enum ip_family family, uint32_t table)
{
    struct rtmsg header = {
        .rtm_family = (uint8_t)ip_family_to_af(family),
        .rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC,
    };
    struct nl_msg *message = nlmsg_alloc_simple(RTM_GETROUTE, 0);

    if (message == NULL)
        return NULL;
    if (nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
        (table != RT_TABLE_UNSPEC && nla_put_u32(message, RTA_TABLE, table) < 0)) {
        nlmsg_free(message);
        return NULL;
    }
    return message;
}

const char *route_key_format(const struct route_key *key, char buffer[static ROUTE_KEY_TEXT])
{
    struct ip_prefix dst = {.addr = ip_addr_from_bytes(key->family, key->dst), .len = key->dst_len};
    struct ip_prefix src = {.addr = ip_addr_from_bytes(key->family, key->src), .len = key->src_len};
    char text[IP_PREFIX_TEXT];
    int used;

    if (key->dst_len == 0)
        used = snprintf(buffer, ROUTE_KEY_TEXT, "default");
    else
        used = snprintf(buffer, ROUTE_KEY_TEXT, "%s", ip_prefix_format(&dst, text));
    if (key->src_len > 0)
        used += snprintf(buffer + used, ROUTE_KEY_TEXT - (size_t)used, " from %s",
                         ip_prefix_format(&src, text));
    if (key->tos != 0)
        used += snprintf(buffer + used, ROUTE_KEY_TEXT - (size_t)used, " tos 0x%02x", key->tos);
    if (key->metric != 0)
        snprintf(buffer + used, ROUTE_KEY_TEXT - (size_t)used, " metric %u", key->metric);
    return buffer;
}
