/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The offloads of a tun device: its ioctls, and super-packets to try it with. */
#include "kernel/offload.h"

#include "ipmodd/base/macro.h"

#include <endian.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

/* Since Linux 6.2; Debian 12's headers are older. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

/* What a class is called in TUNSETOFFLOAD, and what its super-packets are. */
static const struct class
{
    unsigned request;
    uint8_t gso_type;
    bool is_ip6;
} classes[OFFLOAD_CLASS_COUNT] = {
    [OFFLOAD_TCP4] = {TUN_F_TSO4, VIRTIO_NET_HDR_GSO_TCPV4, false},
    [OFFLOAD_TCP6] = {TUN_F_TSO6, VIRTIO_NET_HDR_GSO_TCPV6, true},
    [OFFLOAD_TCP_ECN] = {TUN_F_TSO_ECN, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, false},
    [OFFLOAD_UDP] = {TUN_F_USO4 | TUN_F_USO6, VIRTIO_NET_HDR_GSO_UDP_L4, false},
};

/* Headers and two bytes of payload, a segment each. */
struct trial {
    struct virtio_net_hdr vnet;
    uint8_t packet[sizeof(struct ipv6hdr) + sizeof(struct tcphdr) + 2];
};

int offload_set_header(int tun_fd)
{
    const int size = sizeof(struct virtio_net_hdr), little_endian = 1;

    if (ioctl(tun_fd, TUNSETVNETHDRSZ, &size) < 0 ||
        ioctl(tun_fd, TUNSETVNETLE, &little_endian) < 0)
        return -errno;
    return 0;
}

static size_t put_ip4(struct trial *trial, uint8_t proto, size_t behind)
{
    struct iphdr header = {.version = 4, .ihl = 5, .ttl = 1, .protocol = proto};

    header.tot_len = htons((uint16_t)(sizeof(header) + behind));
    memcpy(trial->packet, &header, sizeof(header));
    return sizeof(header);
}

static size_t put_ip6(struct trial *trial, uint8_t proto, size_t behind)
{
    struct ipv6hdr header = {.version = 6, .hop_limit = 1, .nexthdr = proto};

    header.payload_len = htons((uint16_t)behind);
    memcpy(trial->packet, &header, sizeof(header));
    return sizeof(header);
}

/* A super-packet of CLASS from nowhere to nowhere. Bytes of it, the virtio-net header included. */
static size_t build_trial(struct trial *trial, const struct class *class)
{
    bool is_udp = class->gso_type == VIRTIO_NET_HDR_GSO_UDP_L4;
    size_t l4 = is_udp ? sizeof(struct udphdr) : sizeof(struct tcphdr);
    uint8_t proto = is_udp ? IPPROTO_UDP : IPPROTO_TCP;
    const size_t payload = 2;
    size_t ip;

    memset(trial, 0, sizeof(*trial));
    ip = class->is_ip6 ? put_ip6(trial, proto, l4 + payload) : put_ip4(trial, proto, l4 + payload);
    if (is_udp) {
        const struct udphdr header = {.len = htons((uint16_t)(l4 + payload))};

        memcpy(trial->packet + ip, &header, sizeof(header));
    } else {
        const struct tcphdr header = {.doff = sizeof(header) / 4, .ack = 1};

        memcpy(trial->packet + ip, &header, sizeof(header));
    }
    trial->vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    trial->vnet.gso_type = class->gso_type;
    trial->vnet.hdr_len = htole16((uint16_t)(ip + l4));
    trial->vnet.gso_size = htole16(1);
    trial->vnet.csum_start = htole16((uint16_t)ip);
    trial->vnet.csum_offset = htole16(
        (uint16_t)(is_udp ? offsetof(struct udphdr, check) : offsetof(struct tcphdr, check)));
    return offsetof(struct trial, packet) + ip + l4 + payload;
}

unsigned offload_probe(int tun_fd)
{
    unsigned known = 0;

    for (unsigned i = 0; i < OFFLOAD_CLASS_COUNT; i++) {
        struct trial trial;
        size_t length = build_trial(&trial, &classes[i]);

        if (write(tun_fd, &trial, length) < 0 && errno == EIO)
            known |= 1u << i;
    }
    return known;
}

/* The kernel refuses ECN without one of the families. */
int offload_request(int tun_fd, unsigned set)
{
    const unsigned tcp = 1u << OFFLOAD_TCP4 | 1u << OFFLOAD_TCP6;
    unsigned long request = TUN_F_CSUM;

    if ((set & tcp) == 0)
        set &= ~(1u << OFFLOAD_TCP_ECN);
    for (unsigned i = 0; i < OFFLOAD_CLASS_COUNT; i++) {
        if ((set & 1u << i) != 0)
            request |= classes[i].request;
    }
    return ioctl(tun_fd, TUNSETOFFLOAD, request) < 0 ? -errno : 0;
}

int offload_request_none(int tun_fd)
{
    return ioctl(tun_fd, TUNSETOFFLOAD, 0UL) < 0 ? -errno : 0;
}
