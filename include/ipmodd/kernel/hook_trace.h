/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hook trace: where in netfilter one packet is seen, in order.
 *
 * A table of our own has a chain before, between and behind the standard priorities of each hook;
 * each tells a log group (NFLOG) of the packets that carry a cookie: four bytes that no change of
 * address, port, TTL or mark touches. The cookie stands in the first payload bytes of UDP and of
 * ICMP echo requests, which lie at the same place, and is the sequence number of a TCP segment.
 *
 * The table has the flag `owner`: it vanishes with this process, however that ends (Linux 5.12). It
 * decides nothing about any packet, and other packets only cost its comparison.
 */
#ifndef IPMODD_KERNEL_HOOK_TRACE_H
#define IPMODD_KERNEL_HOOK_TRACE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the kernel's order (linux/netfilter.h). */
enum hook {
    HOOK_PREROUTING,
    HOOK_INPUT,
    HOOK_FORWARD,
    HOOK_OUTPUT,
    HOOK_POSTROUTING,
    HOOK_COUNT,
};

/* "PREROUTING", … */
const char *hook_name(enum hook hook);

/* A place in a hook; those of one hook stand behind each other by priority. */
struct hook_point {
    enum hook hook;
    int priority;
    const char *place; /* "before raw", "after filter" */
};
extern const struct hook_point hook_points[];
extern const size_t hook_point_count;

/* The point behind number POINT of the same hook, or NULL at its end. */
const struct hook_point *hook_point_next(size_t point);

enum { HOOK_SIGHT_BYTES = 128 };

struct hook_sight {
    size_t point;                     /* index in hook_points */
    char in[IFNAMSIZ], out[IFNAMSIZ]; /* "" = none there */
    uint32_t mark;
    size_t length; /* of BYTES, the packet from its IP header on */
    uint8_t bytes[HOOK_SIGHT_BYTES];
};

struct hook_trace;

/*
 * Sees packets of PROTO (IPPROTO_*) with COOKIE from here on. 0; or -errno (-EPERM; -EOPNOTSUPP for
 * a kernel, or a build, that lacks what it takes) with WHY, a sentence.
 */
enum { HOOK_TRACE_WHY = 256 };
int hook_trace_open(uint8_t proto, uint32_t cookie, struct hook_trace **ret_trace,
                    char why[static HOOK_TRACE_WHY]);

/* Waits up to TIMEOUT_MS. 1 with RET_SIGHT, 0 if nothing was seen, or -errno. */
int hook_trace_next(struct hook_trace *trace, int timeout_ms, struct hook_sight *ret_sight);

/* Takes the table back. NULL is allowed. */
void hook_trace_close(struct hook_trace *trace);

#endif
