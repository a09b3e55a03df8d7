/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices and their addresses, as far as diverting needs them.
 *
 * Plain values read from link and address messages. Lifetimes are seconds from the moment of the
 * message; two addresses count as equal when theirs differ by no more than a few seconds.
 */
#ifndef IPMODD_KERNEL_DEVICE_H
#define IPMODD_KERNEL_DEVICE_H

#include "ipmodd/base/addr.h"

#include <net/if.h>
#include <netlink/msg.h>

struct device {
    uint32_t ifindex;
    char name[IFNAMSIZ];
    uint32_t mtu;
    uint32_t queue_packets; /* that its queue of what is to be sent holds */
    uint32_t group;
    uint32_t master; /* of a bridge's or bond's port that device; 0 = none */
    uint32_t flags;  /* IFF_* */
    bool is_tun;     /* link kind "tun" */
    int32_t rp_filter;
    int32_t accept_local;
    int32_t forwarding;
    bool has_ipv6;
    int32_t mtu6;
    int32_t hop_limit6;
    int32_t use_tempaddr6;
    int32_t accept_ra6;
    int32_t forwarding6;
    int32_t force_forwarding6; /* 0 before Linux 6.17 */
    uint64_t tx_dropped;
};

struct address {
    uint32_t ifindex;
    struct ip_addr local;
    struct ip_addr network; /* the local one, or the peer's: what prefix_len counts on */
    uint8_t prefix_len;
    uint8_t scope;    /* RT_SCOPE_* */
    uint32_t flags;   /* IFA_F_* */
    uint8_t protocol; /* IFA_PROTO; 0 before Linux 5.18 */
    bool has_broadcast;
    struct ip_addr broadcast;
    uint32_t preferred, valid; /* seconds; UINT32_MAX = for ever */
};

/* 0, or -EBADMSG. */
int device_parse(const struct nlmsghdr *message, struct device *ret_device);

/* 1 with *RET_ADDRESS; 0 for an address of another family than IPv4 and IPv6 (MCTP, Phonet); or
 * -EBADMSG. */
int address_parse(const struct nlmsghdr *message, struct address *ret_address);

/*
 * Whether a link message describes the device. A wireless driver's news and what a bridge tells of
 * its port (family AF_BRIDGE) name the device and leave out what it is.
 */
bool device_is_described(const struct nlmsghdr *message);

/* Whether an event brought nothing that matters here (statistics, …). */
bool device_same(const struct device *a, const struct device *b);

/* Same address, device, prefix and preference; lifetimes within what passes between two looks. */
bool address_same(const struct address *a, const struct address *b);

/* NULL without memory. FLAGS: NLM_F_* beside NLM_F_REQUEST. */
struct nl_msg *address_message_new(const struct address *address, uint16_t flags);
struct nl_msg *address_message_del(const struct address *address);
struct nl_msg *address_message_dump(void);
struct nl_msg *device_message_dump(void);
struct nl_msg *device_message_get(uint32_t ifindex);

#endif
