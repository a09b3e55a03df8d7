/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Apply: makes the kernel equal to the wanted list, object by object, and nothing else.
 *
 * Each function compares what is there with what is wanted and sends the difference; called twice,
 * the second time sends nothing. What is not ours (other protocol number, other shape) is never
 * changed. Functions go on after a refusal, so that one odd route does not stop the others; what
 * could not be made is counted in failures, and the first reason is in the fault.
 *
 * Order at start: device, addresses, guard rules and barriers, settings, routes, then the
 * exclusions and the divert rules last; at the end the reverse.
 */
#ifndef IPMODD_KERNEL_APPLY_H
#define IPMODD_KERNEL_APPLY_H

#include "kernel/ledger.h"
#include "kernel/tun.h"
#include "kernel/wanted.h"

struct apply {
    struct netlink *netlink; /* borrowed, as all pointers here */
    const struct config *config;
    const struct snapshot *snapshot;
    const struct tun *tun;
    struct wanted *wanted;
    struct ledger *ledger;
    struct fault *fault;
    unsigned changes;  /* objects that were added, altered or taken out */
    unsigned failures; /* objects that could not be made */
    bool foreign;      /* somebody else's route is in table N; the fault names it */
};

/* 0, or -errno of the transport; refusals of single objects are counted, not returned. */
int apply_device(struct apply *apply);
int apply_addresses(struct apply *apply);
int apply_settings(struct apply *apply);

/*
 * Adds the guards and barriers alone (and takes out inbound rules that nobody wants, while their
 * settings still hold), or all rules (and takes out all of ours that nobody wants). The guards move
 * in front of rules of others that would meet packets of tun0 before them.
 */
int apply_guard_rules(struct apply *apply);
int apply_rules(struct apply *apply);

/* Puts the guards of WANTED where the rules of others on this host let them work. 0 or -errno. */
int apply_place_guards(struct netlink *netlink, const struct config *config, struct wanted *wanted,
                       struct fault *fault);

/* Reads table N, or that of what comes in, and makes it equal to the wanted routes. */
int apply_routes(struct apply *apply);
int apply_inbound_routes(struct apply *apply);

/* Only the routes with these keys, trusting their states. */
int apply_route_keys(struct apply *apply, const struct route_key *keys, size_t count);

/*
 * Notes what a message says about the route of a table with its key, of which WANTED are the
 * routes. True = something is wrong.
 */
bool apply_note_route(struct route_set *wanted, const struct route *route, bool removed);

/* Takes out the rules of INSTANCE, but for those in KEEP (NULL = none). */
int apply_remove_rules(struct netlink *netlink, const struct instance *instance,
                       const struct wanted *keep, struct fault *fault);

/* Likewise, but leaves the barriers, which are the last to go. */
int apply_remove_diverting(struct netlink *netlink, const struct instance *instance,
                           struct fault *fault);

/* Takes out all rules of APPLY's instance but guards and barriers. */
int apply_withdraw(struct apply *apply);

/* Takes our routes out of TABLE; the second one likewise out of all tables of INSTANCE. */
int apply_remove_routes(struct netlink *netlink, uint32_t table, struct fault *fault);
int apply_remove_all_routes(struct netlink *netlink, const struct instance *instance,
                            struct fault *fault);

/* Likewise, but leaves the throw routes and the last unreachable default: traffic is kept in. */
int apply_remove_routes_but_closed(struct netlink *netlink, uint32_t table, struct fault *fault);

/* All rules of INSTANCE, and our routes in its table. */
int apply_sweep(struct netlink *netlink, const struct instance *instance, struct fault *fault);

/* Writes back what still has our value, last change first, and empties the ledger. */
int apply_restore_settings(struct netlink *netlink, struct ledger *ledger, struct fault *fault);

/* Whether somebody else's rule has PRIORITY. 1, 0 or -errno. */
int apply_priority_taken(struct netlink *netlink, enum ip_family family, uint32_t priority);

/*
 * Whether a route with our protocol number leads from TABLE over a device: what a killed instance
 * left does not, its device is gone, so another one lives. 1, 0 or -errno.
 */
int apply_table_in_use(struct netlink *netlink, uint32_t table);

/* What tells the rules of one instance from another's, with LEDGER what comes in as well. */
struct instance instance_of(const struct config *config);
struct instance instance_of_process(const struct config *config, const struct ledger *ledger);

#endif
