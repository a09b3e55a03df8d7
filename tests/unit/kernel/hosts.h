/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts made of words: snapshots for the tests of what is computed from one.
 *
 * Every test starts with host_make() and ends with host_clear(). Devices: lo (1), eth0 (2), eth1
 * (3), tun0 (9).
 */
#ifndef IPMODD_TESTS_KERNEL_HOSTS_H
#define IPMODD_TESTS_KERNEL_HOSTS_H

#include "../unit.h"
#include "kernel/wanted.h"

enum { LO = 1, ETH0 = 2, ETH1 = 3, TUN = 9 };

struct host {
    struct config *config;
    struct snapshot snapshot;
    struct ledger ledger;
    struct wanted wanted;
};

struct host *host_make(void);
void host_clear(struct host *host);

/* The input of the functions under test. */
struct wanted_input host_input(const struct host *host);

/* The device with IFINDEX, to change it. */
struct device *host_device(struct host *host, uint32_t ifindex);

/* "192.0.2.1/24" on a device; returns it to be changed. */
struct address *host_add_address(struct host *host, uint32_t ifindex, const char *prefix);

/* A unicast route of main over a device, via GATEWAY or NULL; returns it to be changed. */
struct route *host_add_route(struct host *host, const char *prefix, uint32_t ifindex,
                             const char *gateway);

/* Computes everything. */
void host_compute(struct host *host);

/* The wanted route for PREFIX with METRIC, or NULL. */
const struct route *host_find(const struct host *host, const char *prefix, uint32_t metric);

/* The source of ROUTE as text, "" if it has none. */
const char *source_text(const struct route *route, char buffer[static IP_PREFIX_TEXT]);

#endif
