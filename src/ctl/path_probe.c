/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends one packet from a plain socket. */
#include "path_probe.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/checksum.h"
#include "ipmodd/wire/icmp.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

enum {
    PROBE_DATA = 32,          /* the cookie, and bytes that mean nothing */
    REPAIR_OFF_SILENTLY = -1, /* TCP_REPAIR_OFF_NO_WP: without asking the other side */
};

union socket_address {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
};

static socklen_t put_address(const struct ip_addr *addr, uint16_t port, union socket_address *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->any.sa_family = (sa_family_t)ip_family_to_af(addr->family);
    if (addr->family == FAMILY_IPV4) {
        ret->ip4.sin_port = htons(port);
        memcpy(&ret->ip4.sin_addr, addr->bytes, 4);
        return sizeof(ret->ip4);
    }
    ret->ip6.sin6_port = htons(port);
    memcpy(&ret->ip6.sin6_addr, addr->bytes, 16);
    return sizeof(ret->ip6);
}

static uint16_t read_address(const union socket_address *address, struct ip_addr *ret_addr)
{
    if (address->any.sa_family == AF_INET) {
        *ret_addr = ip_addr_from_bytes(FAMILY_IPV4, (const uint8_t *)&address->ip4.sin_addr);
        return ntohs(address->ip4.sin_port);
    }
    *ret_addr = ip_addr_from_bytes(FAMILY_IPV6, (const uint8_t *)&address->ip6.sin6_addr);
    return ntohs(address->ip6.sin6_port);
}

uint8_t probe_wire_proto(const struct probe *probe)
{
    if (probe->proto == IPPROTO_ICMP && probe->dst.family == FAMILY_IPV6)
        return IPPROTO_ICMPV6;
    return probe->proto;
}

const char *probe_proto_name(const struct probe *probe)
{
    return probe->proto == IPPROTO_TCP ? "tcp" : probe->proto == IPPROTO_UDP ? "udp" : "icmp";
}

/* The source that the kernel would take: that of a datagram socket, which sends nothing. */
static int choose_source(struct probe *probe)
{
    union socket_address address;
    socklen_t length = put_address(&probe->dst, 9, &address);
    int fd CLEANUP(cleanup_fd) = socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, &address.any, length) < 0)
        return -errno;
    length = sizeof(address);
    if (getsockname(fd, &address.any, &length) < 0)
        return -errno;
    read_address(&address, &probe->src);
    probe->has_src = true;
    return 0;
}

/* A socket under repair takes a sequence number, and keeps it when it connects after that. */
static int set_sequence(int fd, uint32_t sequence)
{
    int on = 1, off = REPAIR_OFF_SILENTLY, queue = TCP_SEND_QUEUE;

    if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &sequence, sizeof(sequence)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off)) < 0)
        return -errno;
    return 0;
}

static int set_ttl(const struct probe *probe)
{
    bool is_ip4 = probe->dst.family == FAMILY_IPV4;
    int ttl = probe->ttl;

    if (ttl == 0)
        return 0;
    return setsockopt(probe->fd, is_ip4 ? IPPROTO_IP : IPPROTO_IPV6,
                      is_ip4 ? IP_TTL : IPV6_UNICAST_HOPS, &ttl, sizeof(ttl)) < 0
               ? -errno
               : 0;
}

static int bind_source(struct probe *probe)
{
    bool has_ports = probe->proto != IPPROTO_ICMP;
    union socket_address address;
    socklen_t length = put_address(&probe->src, has_ports ? probe->sport : 0, &address);

    if (bind(probe->fd, &address.any, length) < 0)
        return -errno;
    if (!has_ports)
        return 0;
    length = sizeof(address);
    if (getsockname(probe->fd, &address.any, &length) < 0)
        return -errno;
    probe->sport = read_address(&address, &probe->src);
    return 0;
}

int probe_prepare(struct probe *probe)
{
    int type = probe->proto == IPPROTO_TCP   ? SOCK_STREAM
               : probe->proto == IPPROTO_UDP ? SOCK_DGRAM
                                             : SOCK_RAW;
    int r = probe->has_src ? 0 : choose_source(probe);

    if (r < 0)
        return r;
    if (getrandom(&probe->cookie, sizeof(probe->cookie), 0) != sizeof(probe->cookie))
        return -errno;
    probe->cookie |= 1; /* a sequence number of 0 would be none */
    probe->fd = socket(ip_family_to_af(probe->dst.family), type | SOCK_CLOEXEC | SOCK_NONBLOCK,
                       probe_wire_proto(probe));
    if (probe->fd < 0)
        return -errno;
    r = bind_source(probe);
    if (r == 0)
        r = set_ttl(probe);
    if (r == 0 && probe->proto == IPPROTO_TCP)
        r = set_sequence(probe->fd, probe->cookie);
    return r;
}

/* IPv6's checksum is the kernel's to fill in, which alone knows the whole pseudo-header. */
static void put_echo(const struct probe *probe, uint8_t *message, size_t length)
{
    bool is_ip4 = probe->dst.family == FAMILY_IPV4;

    message[ICMP_MSG_TYPE] = is_ip4 ? (uint8_t)ICMP4_ECHO_REQUEST : (uint8_t)ICMP6_ECHO_REQUEST;
    be16_store(message + 4, (uint16_t)(probe->cookie >> 16));
    if (is_ip4)
        be16_store(message + ICMP_MSG_CHECKSUM, checksum_from_sum(sum_bytes(message, length)));
}

int probe_send(const struct probe *probe)
{
    size_t header = probe->proto == IPPROTO_ICMP ? (size_t)ICMP_MSG_HEADER : 0;
    uint8_t bytes[ICMP_MSG_HEADER + PROBE_DATA] = {0};
    union socket_address address;
    socklen_t length =
        put_address(&probe->dst, probe->proto == IPPROTO_ICMP ? 0 : probe->dport, &address);

    if (probe->proto == IPPROTO_TCP)
        return connect(probe->fd, &address.any, length) < 0 && errno != EINPROGRESS ? -errno : 0;
    be32_store(bytes + header, probe->cookie);
    if (header > 0)
        put_echo(probe, bytes, header + PROBE_DATA);
    return sendto(probe->fd, bytes, header + PROBE_DATA, 0, &address.any, length) < 0 ? -errno : 0;
}
