/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices and addresses: from and to netlink messages. */
#include "kernel/device.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/kernel/divert.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <stddef.h>
#include <string.h>

enum {
    LIFETIME_SLACK = 3, /* seconds */
    ADDRESS_PROTO = 11, /* IFA_PROTO, since Linux 5.18; headers may be older */
    ADDRESS_ATTR_MAX = ADDRESS_PROTO,
    FORCE_FORWARDING6 = 59, /* DEVCONF_FORCE_FORWARDING, since Linux 6.17; likewise */
};

/* Value number ID of an IPv4 configuration (numbered from 1), or 0. */
static int32_t devconf4(struct nlattr *conf, int id)
{
    if (nla_len(conf) < id * (int)sizeof(int32_t))
        return 0;
    return ((int32_t *)nla_data(conf))[id - 1];
}

/* Value number ID of an IPv6 configuration (numbered from 0), or 0. */
static int32_t devconf6(struct nlattr *conf, int id)
{
    if (nla_len(conf) < (id + 1) * (int)sizeof(int32_t))
        return 0;
    return ((int32_t *)nla_data(conf))[id];
}

static void family_settings_parse(struct nlattr *spec, struct device *device)
{
    struct nlattr *inet = nla_find(nla_data(spec), nla_len(spec), AF_INET);
    struct nlattr *inet6 = nla_find(nla_data(spec), nla_len(spec), AF_INET6);
    struct nlattr *conf;

    conf = inet != NULL ? nla_find(nla_data(inet), nla_len(inet), IFLA_INET_CONF) : NULL;
    if (conf != NULL) {
        device->rp_filter = devconf4(conf, IPV4_DEVCONF_RP_FILTER);
        device->accept_local = devconf4(conf, IPV4_DEVCONF_ACCEPT_LOCAL);
        device->forwarding = devconf4(conf, IPV4_DEVCONF_FORWARDING);
    }
    conf = inet6 != NULL ? nla_find(nla_data(inet6), nla_len(inet6), IFLA_INET6_CONF) : NULL;
    if (conf != NULL) {
        device->has_ipv6 = true;
        device->hop_limit6 = devconf6(conf, DEVCONF_HOPLIMIT);
        device->mtu6 = devconf6(conf, DEVCONF_MTU6);
        device->use_tempaddr6 = devconf6(conf, DEVCONF_USE_TEMPADDR);
        device->accept_ra6 = devconf6(conf, DEVCONF_ACCEPT_RA);
        device->forwarding6 = devconf6(conf, DEVCONF_FORWARDING);
        device->force_forwarding6 = devconf6(conf, FORCE_FORWARDING6);
    }
}

static const struct nla_policy device_policy[IFLA_MAX + 1] = {
    [IFLA_MTU] = {.type = NLA_U32},
    [IFLA_GROUP] = {.type = NLA_U32},
    [IFLA_MASTER] = {.type = NLA_U32},
    [IFLA_STATS64] = {.minlen = offsetof(struct rtnl_link_stats64, tx_dropped) + sizeof(uint64_t)},
};

static const struct nla_policy address_policy[ADDRESS_ATTR_MAX + 1] = {
    [IFA_FLAGS] = {.type = NLA_U32},
    [ADDRESS_PROTO] = {.type = NLA_U8},
};

static bool kind_is_tun(struct nlattr *info)
{
    struct nlattr *kind = nla_find(nla_data(info), nla_len(info), IFLA_INFO_KIND);

    return kind != NULL && nla_strcmp(kind, "tun") == 0;
}

int device_parse(const struct nlmsghdr *message, struct device *ret_device)
{
    const struct ifinfomsg *header = nlmsg_data(message);
    struct nlattr *attrs[IFLA_MAX + 1];
    struct device device = {.ifindex = 0};

    if (nlmsg_parse((struct nlmsghdr *)message, sizeof(*header), attrs, IFLA_MAX, device_policy) <
        0)
        return -EBADMSG;
    device.ifindex = (uint32_t)header->ifi_index;
    device.flags = header->ifi_flags;
    if (attrs[IFLA_IFNAME] != NULL)
        nla_strlcpy(device.name, attrs[IFLA_IFNAME], sizeof(device.name));
    if (attrs[IFLA_MTU] != NULL)
        device.mtu = nla_get_u32(attrs[IFLA_MTU]);
    if (attrs[IFLA_TXQLEN] != NULL)
        device.queue_packets = nla_get_u32(attrs[IFLA_TXQLEN]);
    if (attrs[IFLA_GROUP] != NULL)
        device.group = nla_get_u32(attrs[IFLA_GROUP]);
    if (attrs[IFLA_MASTER] != NULL)
        device.master = nla_get_u32(attrs[IFLA_MASTER]);
    if (attrs[IFLA_LINKINFO] != NULL)
        device.is_tun = kind_is_tun(attrs[IFLA_LINKINFO]);
    if (attrs[IFLA_AF_SPEC] != NULL)
        family_settings_parse(attrs[IFLA_AF_SPEC], &device);
    if (attrs[IFLA_STATS64] != NULL)
        /* The attribute is aligned to four bytes only. */
        memcpy(&device.tx_dropped,
               (char *)nla_data(attrs[IFLA_STATS64]) +
                   offsetof(struct rtnl_link_stats64, tx_dropped),
               sizeof(device.tx_dropped));
    *ret_device = device;
    return 0;
}

bool device_is_described(const struct nlmsghdr *message)
{
    const struct ifinfomsg *header = nlmsg_data(message);

    return nlmsg_datalen(message) >= (int)sizeof(*header) && header->ifi_family == AF_UNSPEC &&
           nlmsg_find_attr((struct nlmsghdr *)message, sizeof(*header), IFLA_WIRELESS) == NULL;
}

static bool attr_address(struct nlattr *attr, enum ip_family family, struct ip_addr *ret_addr)
{
    if (attr == NULL || nla_len(attr) != (int)IP_ADDR_BYTES(family))
        return false;
    *ret_addr = ip_addr_from_bytes(family, nla_data(attr));
    return true;
}

int address_parse(const struct nlmsghdr *message, struct address *ret_address)
{
    const struct ifaddrmsg *header = nlmsg_data(message);
    struct nlattr *attrs[ADDRESS_ATTR_MAX + 1];
    struct address address = {.preferred = UINT32_MAX, .valid = UINT32_MAX};
    enum ip_family family;

    if (nlmsg_parse((struct nlmsghdr *)message, sizeof(*header), attrs, ADDRESS_ATTR_MAX,
                    address_policy) < 0)
        return -EBADMSG;
    if (header->ifa_family != AF_INET && header->ifa_family != AF_INET6)
        return 0;
    family = header->ifa_family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6;
    if (!attr_address(attrs[IFA_LOCAL], family, &address.local) &&
        !attr_address(attrs[IFA_ADDRESS], family, &address.local))
        return -EBADMSG;
    if (!attr_address(attrs[IFA_ADDRESS], family, &address.network))
        address.network = address.local;
    address.ifindex = header->ifa_index;
    address.prefix_len = header->ifa_prefixlen;
    address.scope = header->ifa_scope;
    address.flags = attrs[IFA_FLAGS] != NULL ? nla_get_u32(attrs[IFA_FLAGS])
                                             : (uint32_t)header->ifa_flags;
    if (attrs[ADDRESS_PROTO] != NULL)
        address.protocol = nla_get_u8(attrs[ADDRESS_PROTO]);
    address.has_broadcast = attr_address(attrs[IFA_BROADCAST], family, &address.broadcast);
    if (attrs[IFA_CACHEINFO] != NULL &&
        nla_len(attrs[IFA_CACHEINFO]) >= (int)sizeof(struct ifa_cacheinfo)) {
        const struct ifa_cacheinfo *info = nla_data(attrs[IFA_CACHEINFO]);

        address.preferred = info->ifa_prefered;
        address.valid = info->ifa_valid;
    }
    *ret_address = address;
    return 1;
}

bool device_same(const struct device *a, const struct device *b)
{
    const uint32_t flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;

    return a->ifindex == b->ifindex && strcmp(a->name, b->name) == 0 && a->mtu == b->mtu &&
           a->queue_packets == b->queue_packets && a->group == b->group &&
           (a->flags & flags) == (b->flags & flags) && a->rp_filter == b->rp_filter &&
           a->accept_local == b->accept_local && a->forwarding == b->forwarding &&
           a->has_ipv6 == b->has_ipv6 && a->mtu6 == b->mtu6 && a->hop_limit6 == b->hop_limit6 &&
           a->use_tempaddr6 == b->use_tempaddr6 && a->accept_ra6 == b->accept_ra6 &&
           a->forwarding6 == b->forwarding6 && a->force_forwarding6 == b->force_forwarding6 &&
           a->master == b->master;
}

static bool lifetime_same(uint32_t a, uint32_t b)
{
    if (a == UINT32_MAX || b == UINT32_MAX || a == 0 || b == 0)
        return a == b;
    return a > b ? a - b <= LIFETIME_SLACK : b - a <= LIFETIME_SLACK;
}

bool address_same(const struct address *a, const struct address *b)
{
    return a->ifindex == b->ifindex && ip_addr_equal(&a->local, &b->local) &&
           a->prefix_len == b->prefix_len && lifetime_same(a->preferred, b->preferred) &&
           lifetime_same(a->valid, b->valid);
}

static struct nl_msg *message_start(const struct address *address, int type, uint16_t flags)
{
    struct ifaddrmsg header = {
        .ifa_family = (uint8_t)ip_family_to_af(address->local.family),
        .ifa_prefixlen = address->prefix_len,
        .ifa_scope = address->scope,
        .ifa_index = address->ifindex,
    };
    int len = (int)IP_ADDR_BYTES(address->local.family);
    struct nl_msg *message = nlmsg_alloc_simple(type, flags);

    if (message == NULL)
        return NULL;
    if (nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
        nla_put(message, IFA_LOCAL, len, address->local.bytes) < 0 ||
        nla_put(message, IFA_ADDRESS, len, address->local.bytes) < 0) {
        nlmsg_free(message);
        return NULL;
    }
    return message;
}

struct nl_msg *address_message_new(const struct address *address, uint16_t flags)
{
    struct ifa_cacheinfo info = {
        .ifa_prefered = address->preferred,
        .ifa_valid = address->valid,
    };
    struct nl_msg *message = message_start(address, RTM_NEWADDR, flags);

    if (message == NULL)
        return NULL;
    if (nla_put_u32(message, IFA_FLAGS, address->flags) < 0 ||
        nla_put_u8(message, ADDRESS_PROTO, DIVERT_PROTOCOL) < 0 ||
        nla_put(message, IFA_CACHEINFO, sizeof(info), &info) < 0) {
        nlmsg_free(message);
        return NULL;
    }
    return message;
}

struct nl_msg *address_message_del(const struct address *address)
{
    return message_start(address, RTM_DELADDR, 0);
}

struct nl_msg *address_message_dump(void)
{
    struct ifaddrmsg header = {.ifa_family = AF_UNSPEC};
    struct nl_msg *message = nlmsg_alloc_simple(RTM_GETADDR, 0);

    if (message != NULL && nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0) {
        nlmsg_free(message);
        return NULL;
    }
    return message;
}

struct nl_msg *device_message_get(uint32_t ifindex)
{
    struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
    struct nl_msg *message = nlmsg_alloc_simple(RTM_GETLINK, 0);

    if (message != NULL && nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0) {
        nlmsg_free(message);
        return NULL;
    }
    return message;
}

struct nl_msg *device_message_dump(void)
{
    return device_message_get(0);
}
