/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends UDP datagrams for some seconds, as fast as it can or at a rate, and prints how many.
 *
 *     udp_send ADDRESS PORT SIZE MILLISECONDS RATE [ADDRESSES PORTS]
 *
 * SIZE is the payload in bytes, RATE packets per second, 0 for no limit. With ADDRESSES and PORTS
 * each packet goes to another of ADDRESSES x PORTS flows, in turn, counted up from those given.
 */
#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BATCH = 64,
    SIZE_MAX_BYTES = 1472,
    FLOWS_MAX = 16384,
};

struct destinations {
    struct sockaddr_storage address[FLOWS_MAX];
    socklen_t length;
    size_t count;
};

static struct sockaddr_storage destination_step(struct sockaddr_storage base, uint32_t address,
                                                uint32_t port)
{
    struct sockaddr_in *ip4 = (struct sockaddr_in *)&base;
    struct sockaddr_in6 *ip6 = (struct sockaddr_in6 *)&base;

    if (base.ss_family == AF_INET)
        ip4->sin_addr.s_addr = htonl(ntohl(ip4->sin_addr.s_addr) + address);
    else
        ip6->sin6_addr.s6_addr32[3] = htonl(ntohl(ip6->sin6_addr.s6_addr32[3]) + address);
    /* The port has the same place in both. */
    ip4->sin_port = htons((uint16_t)(ntohs(ip4->sin_port) + port));
    return base;
}

static void destinations_fill(struct destinations *all, char **argv, uint32_t addresses,
                              uint32_t ports)
{
    struct sockaddr_storage base;

    all->length = address_of(argv[1], argv[2], &base);
    all->count = (size_t)addresses * ports;
    if (all->count > FLOWS_MAX) {
        errno = E2BIG;
        die("%zu flows", all->count);
    }
    for (size_t i = 0; i < all->count; i++)
        all->address[i] = destination_step(base, (uint32_t)i % addresses, (uint32_t)i / addresses);
}

/* One flow: a connected socket, as a program with one peer has it. */
static int socket_open(const struct destinations *all)
{
    int fd = socket(all->address[0].ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || (all->count == 1 &&
                   connect(fd, (const struct sockaddr *)&all->address[0], all->length) < 0))
        die("socket");
    return fd;
}

/* Sends COUNT datagrams at most; how many went. SENT tells whose turn it is. */
static unsigned int send_batch(int fd, struct destinations *all, struct iovec *payload,
                               unsigned int count, uint64_t sent)
{
    struct mmsghdr messages[BATCH] = {0};
    int done;

    for (unsigned int i = 0; i < count; i++) {
        messages[i].msg_hdr.msg_iov = payload;
        messages[i].msg_hdr.msg_iovlen = 1;
        if (all->count > 1) {
            messages[i].msg_hdr.msg_name = &all->address[(sent + i) % all->count];
            messages[i].msg_hdr.msg_namelen = all->length;
        }
    }
    done = sendmmsg(fd, messages, count, 0);
    /* EPERM: netfilter dropped it, as a full queue of NFQUEUE does. */
    if (done < 0 && errno != ENOBUFS && errno != EPERM)
        die("send");
    return done > 0 ? (unsigned int)done : 0;
}

/* How many are due at NOW; sleeps a little when none is. Being late is made up for. */
static unsigned int due(uint64_t elapsed, uint64_t rate, uint64_t sent)
{
    const struct timespec pause = {.tv_nsec = 20000};
    uint64_t wanted = rate == 0 ? UINT64_MAX : elapsed * rate / NS_PER_S;

    if (wanted <= sent) {
        nanosleep(&pause, NULL);
        return 0;
    }
    return wanted - sent < BATCH ? (unsigned int)(wanted - sent) : BATCH;
}

int main(int argc, char **argv)
{
    static struct destinations all;
    static uint8_t bytes[SIZE_MAX_BYTES];
    struct iovec payload = {.iov_base = bytes};
    uint64_t rate;
    uint64_t duration;
    uint64_t start;
    uint64_t elapsed;
    uint64_t sent = 0;
    int fd;

    if (argc != 6 && argc != 8) {
        errno = EINVAL;
        die("usage: udp_send ADDRESS PORT SIZE MILLISECONDS RATE [ADDRESSES PORTS]");
    }
    payload.iov_len = (size_t)number(argv[3], 0, SIZE_MAX_BYTES);
    duration = number(argv[4], 1, 600000) * 1000000;
    rate = number(argv[5], 0, 100000000);
    destinations_fill(&all, argv, argc == 8 ? (uint32_t)number(argv[6], 1, FLOWS_MAX) : 1,
                      argc == 8 ? (uint32_t)number(argv[7], 1, FLOWS_MAX) : 1);
    fd = socket_open(&all);

    start = now_ns();
    while ((elapsed = now_ns() - start) < duration) {
        unsigned int count = due(elapsed, rate, sent);

        if (count > 0)
            sent += send_batch(fd, &all, &payload, count, sent);
    }
    printf("{\"sent\": %llu, \"seconds\": %.6f}\n", (unsigned long long)sent,
           (double)elapsed / (double)NS_PER_S);
    return 0;
}
