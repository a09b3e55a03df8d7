/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scope: a set of (family, upper-layer protocol) combinations that a rule can apply to.
 *
 * Each match of a rule narrows it; an action has the scope of what it can change. An empty result
 * means that the matches can never hold together, or that the action can never do anything: an
 * error in the configuration. ICMP and ICMPv6 are one number each; the scope of `proto = icmp`
 * holds ICMP for IPv4 and ICMPv6 for IPv6.
 */
#ifndef IPMODD_DATAPATH_SCOPE_H
#define IPMODD_DATAPATH_SCOPE_H

#include "ipmodd/base/addr.h"

#include <stdbool.h>
#include <stdint.h>

struct scope {
    uint64_t protos[FAMILY_COUNT][4]; /* bit P % 64 of word P / 64 */
};

/* Every combination, and none. */
struct scope scope_all(void);
struct scope scope_none(void);

void scope_add(struct scope *scope, unsigned families, uint8_t proto);
void scope_remove(struct scope *scope, unsigned families, uint8_t proto);

/* Keeps in SCOPE only what is in OTHER too. */
void scope_intersect(struct scope *scope, const struct scope *other);

/* Keeps only FAMILIES (FAMILIES_*). */
void scope_keep_families(struct scope *scope, unsigned families);

bool scope_is_empty(const struct scope *scope);
static inline bool scope_has(const struct scope *scope, enum ip_family family, uint8_t proto)
{
    return (scope->protos[family][proto / 64] >> proto % 64 & 1) != 0;
}

/* FAMILIES_* with at least one protocol left. */
unsigned scope_families(const struct scope *scope);

/* TCP, UDP, UDP-Lite, SCTP and DCCP in both families: what has ports. */
struct scope scope_ports(void);
struct scope scope_tcp(void);
/* ICMP in IPv4, ICMPv6 in IPv6. */
struct scope scope_icmp(void);

#endif
