/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of (family, protocol) as bit maps. */
#include "ipmodd/datapath/scope.h"

#include "ipmodd/base/macro.h"

#include <netinet/in.h>
#include <string.h>

static const uint8_t port_protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP,
                                      IPPROTO_DCCP};

static bool in_families(unsigned families, size_t family)
{
    return (families & 1u << family) != 0;
}

struct scope scope_all(void)
{
    struct scope scope;

    memset(&scope, 0xff, sizeof(scope));
    return scope;
}

struct scope scope_none(void)
{
    return (struct scope){.protos = {{0}}};
}

void scope_add(struct scope *scope, unsigned families, uint8_t proto)
{
    for (size_t f = 0; f < FAMILY_COUNT; f++) {
        if (in_families(families, f))
            scope->protos[f][proto / 64] |= UINT64_C(1) << proto % 64;
    }
}

void scope_remove(struct scope *scope, unsigned families, uint8_t proto)
{
    for (size_t f = 0; f < FAMILY_COUNT; f++) {
        if (in_families(families, f))
            scope->protos[f][proto / 64] &= ~(UINT64_C(1) << proto % 64);
    }
}

void scope_intersect(struct scope *scope, const struct scope *other)
{
    for (size_t f = 0; f < FAMILY_COUNT; f++) {
        for (size_t word = 0; word < ARRAY_SIZE(scope->protos[f]); word++)
            scope->protos[f][word] &= other->protos[f][word];
    }
}

void scope_keep_families(struct scope *scope, unsigned families)
{
    for (size_t f = 0; f < FAMILY_COUNT; f++) {
        if (!in_families(families, f))
            memset(scope->protos[f], 0, sizeof(scope->protos[f]));
    }
}

unsigned scope_families(const struct scope *scope)
{
    unsigned families = 0;

    for (size_t f = 0; f < FAMILY_COUNT; f++) {
        for (size_t word = 0; word < ARRAY_SIZE(scope->protos[f]); word++) {
            if (scope->protos[f][word] != 0)
                families |= 1u << f;
        }
    }
    return families;
}

bool scope_is_empty(const struct scope *scope)
{
    return scope_families(scope) == 0;
}

struct scope scope_ports(void)
{
    struct scope scope = scope_none();

    for (size_t i = 0; i < ARRAY_SIZE(port_protos); i++)
        scope_add(&scope, FAMILIES_ALL, port_protos[i]);
    return scope;
}

struct scope scope_tcp(void)
{
    struct scope scope = scope_none();

    scope_add(&scope, FAMILIES_ALL, IPPROTO_TCP);
    return scope;
}

struct scope scope_icmp(void)
{
    struct scope scope = scope_none();

    scope_add(&scope, FAMILIES_IPV4, IPPROTO_ICMP);
    scope_add(&scope, FAMILIES_IPV6, IPPROTO_ICMPV6);
    return scope;
}
