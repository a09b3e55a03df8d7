/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wanted: the list of everything that should be in the kernel, computed from the configuration and
 * a snapshot of the host. Nothing here asks or changes the kernel, so a test can hand in any host.
 *
 *   tun device   mtu, rp_filter, quiet; borrowed or given addresses
 *   settings     of other devices, where diverting needs them (rp_filter, IPv6 forwarding), and
 *                those that such a setting overwrites
 *   inbound      rules, routes and settings of their own: see inbound.h
 *   rules        99 iif TUN lookup main · 100 iif TUN unreachable: what comes out of tun0 is routed
 *                by main or not at all, never back into tun0;
 *                DIVERT - 1: what is excluded, and with mirror = default what main has a more
 *                specific route for, goes to main at once;
 *                DIVERT: the rest is looked up in table N
 *                with `interfaces` one for each device by which forwarded packets come
 *   table N      throw for what is never diverted, the mirror of main, and with on-exit = closed a
 *                last unreachable default
 *
 * Exclusions have a priority of their own in front of the divert rule, because the kernel puts a
 * new rule behind those of equal priority: an exclusion that a reload adds would never be reached.
 * A rule of somebody else with the divert rule's priority (wg-quick takes 32765 and 32764) is
 * asked first if it was there first; that is right, see KERNEL notes in ipmodd(8).
 *
 * The mirror of a route: unicast becomes a route over tun0, blackhole, unreachable and prohibit
 * stay, everything else (local, throw, multicast, over lo, over a device that `interfaces` does not
 * name) becomes `throw`, which leaves the decision to main; one whose hops are all dead, or tun0,
 * has no mirror. Prefix, source prefix, tos, metric and RTAX metrics stay. The source address that
 * main would have given is written out for IPv4, since the kernel would take tun0's. For IPv6 it is
 * copied where main names one; else RFC 6724 chooses per destination among all addresses on tun0,
 * which are those of the egress device. Only where they are not (two egress devices, given
 * addresses) rule 5, "the outgoing interface's", would choose wrongly: there the best address of
 * the egress device is written out. One route stands for all hops and all variants of a key: the
 * first that is alive.
 *
 * IPv6 flags that user space cannot set: a copy of a temporary address is no temporary one. Of two
 * addresses of one device in one /64 the kind that use_tempaddr does not prefer is therefore
 * borrowed as deprecated, so that the same one is chosen.
 */
#ifndef IPMODD_KERNEL_WANTED_H
#define IPMODD_KERNEL_WANTED_H

#include "kernel/ledger.h"
#include "kernel/rule.h"
#include "kernel/snapshot.h"
#include "kernel/sysctl.h"

/* What everything is computed from; all borrowed. */
struct wanted_input {
    const struct config *config;
    const struct snapshot *snapshot;
    const struct ledger *ledger; /* tells what in the snapshot is our own doing */
    uint32_t tun_ifindex;
};

struct wanted {
    uint32_t tun_mtu;
    uint32_t tun_group; /* a group of devices that is tun0's alone, so numbered like table N */
    int32_t tun_rp_filter;
    bool names_source6;        /* IPv6 routes say which source to take */
    struct address *addresses; /* of tun0, in the order in which they are to be added */
    size_t address_count;
    struct setting *settings; /* in the order in which they are to be written */
    size_t setting_count;
    /* Not written, but recorded: one of `settings` overwrites them, and its restoring leaves this.
     */
    struct setting *overwritten;
    size_t overwritten_count;
    struct rule *rules; /* in the order in which they are to be added; the divert rules last */
    size_t rule_count;
    bool rules_changed;       /* since the computation before */
    struct route_set routes;  /* of table N */
    struct route_set inbound; /* of the table of what comes in */
    bool mtus_vary;           /* one of them has an MTU of its own, or had at the last look */
    uint32_t guard_priority[FAMILY_COUNT]; /* as rules of others have it; 0 = as configured */
};

/* Device values, addresses, settings and rules anew; routes stay. 0 or -ENOMEM. */
int wanted_compute_host(struct wanted *wanted, const struct wanted_input *input);

/* The route set of table N anew, all of it ROUTE_MISSING. 0 or -ENOMEM. Needs tun_mtu. */
int wanted_compute_routes(struct wanted *wanted, const struct wanted_input *input);

/*
 * The one route that table N should have for KEY. 1 with *RET_ROUTE (owned), 0 if none, -ENOMEM.
 */
int wanted_route(const struct wanted *wanted, const struct wanted_input *input,
                 const struct route_key *key, struct route **ret_route);

/* The RTAX_MTU of ROUTE, 0 = none: it takes what its device does. */
uint32_t wanted_route_mtu(const struct route *route);

/* Path MTUs of VIEW from the routes of table N; renews mtus_vary. 0 or -ENOMEM. */
int wanted_set_path_mtus(struct wanted *wanted, struct host_view *view);

/* What VIEW says of sources and ways, if a rule masquerades. 0 or -ENOMEM. */
int egress_fill_view(const struct wanted_input *input, struct host_view *view);

void wanted_clear(struct wanted *wanted);

/* The list as commands of iproute2 and sysctl, in the order in which they work. */
void plan_print(const struct config *config, const struct snapshot *snapshot,
                const struct wanted *wanted, FILE *out);

/* Parts of the above, for tests and for the plan. */

/* Adds to the lists. 0 or -ENOMEM. */
int wanted_add_setting(struct wanted *wanted, enum ip_family family, const char *device,
                       const char *name, int32_t value);
int wanted_add_rule(struct wanted *wanted, const struct rule *rule);

/* All rules, in the order in which they are to be added. 0 or -ENOMEM. */
int wanted_add_rules(struct wanted *wanted, const struct wanted_input *input);

/* Whether table N is filled: what comes in alone has no use for it. */
bool wanted_mirrors(const struct config *config);

/* Neither tun0 nor lo. */
bool wanted_is_other_device(const struct wanted_input *input, const struct device *device);

/* Whether what IPv6 forwarding of all devices is now is our doing. */
bool forwarding_all_is_ours(const struct wanted_input *input);

/*
 * What lets IPv6 packets out of tun0 be forwarded: settings, and what these overwrite. 0 or
 * -ENOMEM. See forwarding.c for kernels that can't forward from one device alone.
 */
int forwarding_want(struct wanted *wanted, const struct wanted_input *input);

/* The mirror of main's routes FIRST…, all of one key. 1, 0 (not mirrored) or -ENOMEM. */
int mirror_route(const struct wanted *wanted, const struct wanted_input *input,
                 const struct route *first, struct route **ret_route);

/* The first hop of the first of main's routes FIRST… that a packet can take; *RET_ROUTE is that
 * one. NULL if there is none. */
const struct hop *mirror_usable_hop(const struct wanted_input *input, const struct route *first,
                                    const struct route **ret_route);

/* A unicast route without a usable hop: over lo it is main's business, else it is as if it were not
 * there. */
bool mirror_leads_to_loopback(const struct wanted_input *input, const struct route *route);

/* Whether PREFIX lies in something that is never diverted. */
bool mirror_is_excluded(const struct config *config, const struct route_key *key);

/* Prefixes that are never diverted: built in ones first, then those of CONFIG. NULL at the end. */
const struct ip_prefix *mirror_excluded(const struct config *config, size_t index);

/*
 * The source address that the kernel gives to packets of ROUTE (IPv4, no prefsrc) over its hop
 * HOP; false if it has none. As fib_info_update_nhc_saddr() and inet_select_addr() choose.
 */
bool source_select(const struct snapshot *snapshot, const struct route *route,
                   const struct hop *hop, uint8_t ret_source[4]);

/*
 * The best IPv6 source address of the hop's device for destinations of ROUTE; false if it has none.
 */
bool source_select6(const struct snapshot *snapshot, const struct route *route,
                    const struct hop *hop, uint8_t ret_source[16]);

/* Whether tun0's IPv6 addresses are other ones than those of a single egress device. */
bool borrow_is_mixed(const struct wanted_input *input);

/* What tun0 is to borrow. 0 or -ENOMEM. */
int borrow_addresses(const struct wanted_input *input, struct address **ret_addresses,
                     size_t *ret_count);

#endif
