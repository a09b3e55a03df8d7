/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a flow's source and destination become. */
#include "choose.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/translation.h"
#include "mapping.h"
#include "pool.h"
#include "prefix_map.h"
#include "source_search.h"
#include "table.h"

#include <string.h>

enum { POOL_TRIES = 8 }; /* addresses of a pool */

/* What the mapping of a flow that leaves as LEAVING has inside. */
static struct mapping_inside inside_of(const struct tracking *tracking, uint32_t rule,
                                       const struct flow_tuple *leaving)
{
    enum nat_behaviour behaviour = table_limits(tracking->table)->nat_mapping;
    struct mapping_inside inside = {
        .port = leaving->sport,
        .proto = leaving->proto,
        .family = leaving->family,
        .rule = rule,
    };

    memcpy(inside.address, leaving->src, sizeof(inside.address));
    if (behaviour != NAT_ENDPOINT_INDEPENDENT)
        memcpy(inside.remote, leaving->dst, sizeof(inside.remote));
    if (behaviour == NAT_ADDRESS_AND_PORT_DEPENDENT)
        inside.remote_port = leaving->dport;
    return inside;
}

/* Uses the mapping that there is, by the external address that is wanted. */
static bool use_mapping(const struct source_search *search, const uint8_t *via,
                        uint32_t *ret_mapping)
{
    const struct mappings *mappings = table_mappings(search->tracking->table);
    uint32_t number = mappings_find_inside(mappings, &search->inside, via);
    const struct mapping *mapping;

    if (number == 0)
        return false;
    mapping = mappings_get(mappings, number);
    memcpy(search->leaving->src, mapping->outside.address, sizeof(mapping->outside.address));
    search->leaving->sport = mapping->outside.port;
    *ret_mapping = number;
    return source_search_is_reply_free(search);
}

static uint32_t add_mapping(const struct source_search *search)
{
    struct mappings *mappings = table_mappings(search->tracking->table);
    const struct mapping_outside outside = source_search_outside(search);

    if (table_limits(search->tracking->table)->nat_ports == NAT_PORTS_UNLIMITED)
        return mappings_add(mappings, &search->inside, &outside);
    return mappings_add_counted(mappings, &search->inside, &outside);
}

/* Whether the internal address has all the external ports that it may have. */
static bool is_at_limit(const struct source_search *search)
{
    const struct mappings *mappings = table_mappings(search->tracking->table);
    uint32_t limit = table_limits(search->tracking->table)->nat_ports;

    return limit != NAT_PORTS_UNLIMITED &&
           mappings_count_subscribed(mappings, &search->inside) >= limit;
}

/* The flow does not get the REPLY that was found to be free. */
static void disclaim_reply(const struct source_search *search)
{
    const struct flow_tuple reply = flow_tuple_turn(search->leaving);

    table_disclaim(search->tracking->table, &reply);
}

/* Another mapping, with the address as it is. */
static enum reason make_mapping(const struct source_search *search, uint32_t *ret_mapping)
{
    if (is_at_limit(search))
        return REASON_NAT_LIMIT;
    if (!source_search_find_port(search))
        return REASON_NAT_EXHAUSTED;
    *ret_mapping = add_mapping(search);
    if (*ret_mapping != 0)
        return REASON_NONE;
    disclaim_reply(search);
    return REASON_NAT_EXHAUSTED;
}

/* With the address as it is. */
static enum reason take(const struct source_search *search, uint32_t *ret_mapping)
{
    *ret_mapping = 0;
    if (source_search_has_port(search))
        return make_mapping(search, ret_mapping);
    return source_search_is_reply_free(search) ? REASON_NONE : REASON_NAT_EXHAUSTED;
}

/* From the addresses of the pool. */
static enum reason choose_from_pool(const struct source_search *search, uint32_t *ret_mapping)
{
    const struct translation *pool = search->translation;
    uint64_t count = pool_size(&pool->addresses);
    uint64_t start = pool_hash_host(search->leaving) % count;
    uint64_t tries = pool->persistent ? 1 : MIN_OF(count, (uint64_t)POOL_TRIES);
    enum reason reason = REASON_NAT_EXHAUSTED;

    if (use_mapping(search, NULL, ret_mapping))
        return REASON_NONE;
    for (uint64_t i = 0; i < tries && reason == REASON_NAT_EXHAUSTED; i++) {
        pool_put_address(&pool->addresses, (start + i) % count, search->leaving->src);
        reason = take(search, ret_mapping);
    }
    return reason;
}

/*
 * What comes from inside to a mapping of this host goes to inside again, and has the source that it
 * would have outside: the address of the mapping (RFC 4787 REQ-9).
 */
static bool find_masquerade(const struct source_search *search, struct ip_addr *ret_addr)
{
    enum ip_family family = (enum ip_family)search->leaving->family;

    if ((search->flow->flags & FLOW_INWARD) == 0)
        return host_view_source(search->tracking->view, family, search->leaving->dst, ret_addr);
    *ret_addr = ip_addr_from_bytes(family, search->flow->tuples[FLOW_ORIGINAL].dst);
    return true;
}

/* From this host's addresses. */
static enum reason choose_masquerade(const struct source_search *search, uint32_t *ret_mapping)
{
    enum reason reason = REASON_NONE;
    struct ip_addr addr;

    if (!find_masquerade(search, &addr))
        return REASON_NAT_NO_SOURCE;
    if (!use_mapping(search, addr.bytes, ret_mapping)) {
        memcpy(search->leaving->src, addr.bytes, sizeof(addr.bytes));
        reason = take(search, ret_mapping);
    }
    if (reason == REASON_NONE)
        search->flow->flags |= FLOW_MASQUERADED;
    return reason;
}

static enum reason choose_by_prefix(const struct source_search *search)
{
    const struct translation *translation = search->translation;

    if (!prefix_map(&translation->prefix, search->leaving->src))
        return REASON_UNTRANSLATABLE;
    return source_search_is_reply_free(search) ? REASON_NONE : REASON_NAT_EXHAUSTED;
}

/* The address stays; the port if it can. */
static enum reason choose_port(const struct source_search *search)
{
    bool found = source_search_has_port(search) ? source_search_find_port(search)
                                                : source_search_is_reply_free(search);

    return found ? REASON_NONE : REASON_NAT_EXHAUSTED;
}

static enum reason choose_by_kind(const struct source_search *search, uint32_t *ret_mapping)
{
    if (search->translation == NULL)
        return choose_port(search);
    switch (search->translation->kind) {
    case TRANSLATION_SNAT:
        return choose_from_pool(search, ret_mapping);
    case TRANSLATION_NETMAP_SRC:
        return choose_by_prefix(search);
    case TRANSLATION_MASQUERADE:
        return choose_masquerade(search, ret_mapping);
    case TRANSLATION_DNAT:
    case TRANSLATION_REDIRECT:
    case TRANSLATION_NETMAP_DST:
        break;
    }
    return REASON_NONE;
}

enum reason choose_source(const struct tracking *tracking, struct flow *flow,
                          const struct translation_note *note, struct flow_tuple *leaving,
                          uint32_t *ret_mapping)
{
    const struct source_search search = {
        .tracking = tracking,
        .flow = flow,
        .translation = note->translation,
        .inside = inside_of(tracking, note->rule, leaving),
        .leaving = leaving,
        .wanted = leaving->sport,
    };
    enum reason reason;

    *ret_mapping = 0;
    reason = choose_by_kind(&search, ret_mapping);
    if (reason == REASON_NONE && table_is_mapping_full(tracking->table, *ret_mapping)) {
        disclaim_reply(&search);
        return REASON_NAT_LIMIT;
    }
    return reason;
}

/* CHOICE: a number that depends on the client. */
static void choose_destination_port(const struct tracking *tracking,
                                    const struct translation *translation, uint64_t choice,
                                    struct flow_tuple *leaving)
{
    uint32_t span = translation->last_port - translation->first_port + 1u;
    uint64_t number = translation->random ? rng_u32(tracking->rng) : choice >> 32;

    leaving->dport = (uint16_t)(translation->first_port + number % span);
}

/* This host as the sender reaches it, unless it was meant already. */
static enum reason lead_here(const struct tracking *tracking, struct flow_tuple *leaving)
{
    enum ip_family family = (enum ip_family)leaving->family;
    struct ip_addr addr;

    if (host_view_is_local(tracking->view, family, leaving->dst))
        return REASON_NONE;
    if (!host_view_source(tracking->view, family, leaving->src, &addr))
        return REASON_NAT_NO_SOURCE;
    memcpy(leaving->dst, addr.bytes, sizeof(addr.bytes));
    return REASON_NONE;
}

enum reason choose_destination(const struct tracking *tracking, const struct translation_note *note,
                               struct flow_tuple *leaving)
{
    const struct translation *translation = note->translation;
    uint64_t choice = translation->persistent ? pool_hash_host(leaving) : pool_hash_client(leaving);

    if (translation->has_ports)
        choose_destination_port(tracking, translation, choice, leaving);
    switch (translation->kind) {
    case TRANSLATION_DNAT:
        pool_put_address(&translation->addresses, choice % pool_size(&translation->addresses),
                         leaving->dst);
        break;
    case TRANSLATION_REDIRECT:
        return lead_here(tracking, leaving);
    case TRANSLATION_NETMAP_DST:
        return prefix_map(&translation->prefix, leaving->dst) ? REASON_NONE : REASON_UNTRANSLATABLE;
    case TRANSLATION_SNAT:
    case TRANSLATION_MASQUERADE:
    case TRANSLATION_NETMAP_SRC:
        break;
    }
    return REASON_NONE;
}
