/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Offload classes: kinds of super-packets that a tun device may or may not carry, each tried and
 * given up by itself.
 */
#ifndef IPMODD_BASE_OFFLOAD_H
#define IPMODD_BASE_OFFLOAD_H

enum offload_class {
    OFFLOAD_TCP4,
    OFFLOAD_TCP6,
    OFFLOAD_TCP_ECN, /* TCP of either family with CWR: the flag belongs to the first segment */
    OFFLOAD_UDP,     /* both families: the kernel has them together (6.2 and later) */
    OFFLOAD_CLASS_COUNT,
};

/* "TCP over IPv4", for a log line. */
const char *offload_class_name(enum offload_class class);

#endif
