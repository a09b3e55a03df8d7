/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probe: one packet that this host sends as any program's, with a cookie by which it is known again
 * (hook_trace.h): the first bytes of a UDP datagram's or echo request's data, or the sequence
 * number of a TCP segment.
 */
#ifndef IPMODD_CTL_PATH_PROBE_H
#define IPMODD_CTL_PATH_PROBE_H

#include "ipmodd/base/addr.h"

struct probe {
    struct ip_addr dst;
    struct ip_addr src; /* with has_src; otherwise the kernel's choice, known by probe_prepare() */
    bool has_src;
    uint8_t proto; /* IPPROTO_UDP, _TCP, or _ICMP (for both families) */
    uint16_t sport,
        dport;   /* sport 0: the kernel's choice, known by probe_prepare(); unused by ICMP */
    uint8_t ttl; /* 0 = as usual */
    uint32_t cookie;
    int fd; /* -1 before probe_prepare() */
};

/* A socket with everything chosen; nothing is sent. 0 or -errno. */
int probe_prepare(struct probe *probe);

/* 0, or -errno: the kernel refused to send it, which its hooks may have had a part in. */
int probe_send(const struct probe *probe);

/* IPPROTO_ICMP or IPPROTO_ICMPV6, or the other protocols as they are. */
uint8_t probe_wire_proto(const struct probe *probe);

/* "udp", "tcp", "icmp". */
const char *probe_proto_name(const struct probe *probe);

#endif
