/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of pools, and the search for ports (RFC 4787 4, RFC 6056 3.3). */
#include "choose.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/datapath/translation.h"
#include "mapping.h"
#include "prefix_map.h"
#include "table.h"

#include <netinet/in.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    RUN = 64,                 /* ports that are tried one behind the other */
    RUNS = PORT_PROBES / RUN, /* places from where */
    WELL_KNOWN_MAX = 1023,    /* RFC 4787 REQ-3 b */
    POOL_TRIES = 8,           /* addresses of a pool */
};

/* One search for a source. */
struct search {
    const struct tracking *tracking;
    struct flow *flow;
    const struct translation *translation; /* NULL: the address stays */
    struct mapping_inside inside;
    struct flow_tuple *leaving; /* what is tried */
    uint16_t wanted;            /* the port that it had */
};

static bool is_query(const struct flow_tuple *tuple)
{
    return (tuple->proto == IPPROTO_ICMP || tuple->proto == IPPROTO_ICMPV6) && tuple->dport != 0;
}

static bool has_source_port(const struct flow_tuple *tuple)
{
    return flow_proto_has_ports(tuple->proto) || is_query(tuple);
}

/* Whether what answers to LEAVING would be of FLOW alone, and of no shard but this one from here
 * on. A flow of which nothing has left yet gives way. */
static bool is_reply_free(const struct tracking *tracking, const struct flow *flow,
                          const struct flow_tuple *leaving)
{
    const struct flow_tuple reply = flow_tuple_turn(leaving);
    enum flow_way way;
    struct flow *holder = flow_table_find(tracking->table, &reply, tracking->now_ns, &way);
    unsigned owner;

    if (holder == flow)
        return true;
    if (holder != NULL && (holder->flags & FLOW_DECIDED) != 0)
        return false;
    if (holder != NULL)
        flow_table_remove(tracking->table, holder, FLOW_END_DISPLACED, tracking->now_ns);
    return table_claim(tracking->table, &reply, &owner);
}

static struct mapping_outside outside_of(const struct flow_tuple *leaving)
{
    struct mapping_outside outside = {
        .port = leaving->sport, .proto = leaving->proto, .family = leaving->family};

    memcpy(outside.address, leaving->src, sizeof(outside.address));
    return outside;
}

static bool is_free(const struct search *search)
{
    const struct mapping_outside outside = outside_of(search->leaving);

    return mappings_find_outside(table_mappings(search->tracking->table), &outside) == 0 &&
           is_reply_free(search->tracking, search->flow, search->leaving);
}

struct ports {
    uint16_t first, last;
    bool keeps_parity;
};

static struct ports allowed_ports(const struct search *search)
{
    const struct translation *translation = search->translation;
    uint8_t proto = search->leaving->proto;
    bool keeps_parity = proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE;

    if (translation != NULL && translation->has_ports)
        return (struct ports){translation->first_port, translation->last_port, keeps_parity};
    if (is_query(search->leaving))
        return (struct ports){0, UINT16_MAX, false};
    if (search->wanted <= WELL_KNOWN_MAX)
        return (struct ports){1, WELL_KNOWN_MAX, keeps_parity};
    return (struct ports){WELL_KNOWN_MAX + 1, UINT16_MAX, keeps_parity};
}

/* Where run number RUN_NUMBER begins. */
static uint32_t choose_start(const struct search *search, uint32_t run_number, uint32_t span)
{
    struct {
        struct mapping_inside inside;
        uint8_t dst[16];
        uint32_t dport, run_number;
    } key = {.inside = search->inside, .dport = search->leaving->dport, .run_number = run_number};

    memcpy(key.dst, search->leaving->dst, sizeof(key.dst));
    if (search->translation != NULL && search->translation->random)
        return rng_u32(search->tracking->rng) % span;
    return (uint32_t)(table_hash(search->tracking->table, &key, sizeof(key)) % span);
}

/* Tries RUN ports of PORTS; leaves the free one in the tuple. */
static bool try_run(const struct search *search, const struct ports *ports, bool keeps_parity,
                    uint32_t start)
{
    uint32_t span = ports->last - ports->first + 1u;

    for (uint32_t i = 0; i < MIN_OF(span, (uint32_t)RUN); i++) {
        uint16_t port = (uint16_t)(ports->first + (start + i) % span);

        if (keeps_parity && (port ^ search->wanted) % 2 != 0)
            continue;
        search->leaving->sport = port;
        if (is_free(search))
            return true;
    }
    return false;
}

/* With the address as it is. */
static bool find_port(const struct search *search)
{
    const struct ports ports = allowed_ports(search);
    bool random = search->translation != NULL && search->translation->random;
    uint32_t span = ports.last - ports.first + 1u;

    search->leaving->sport = search->wanted;
    if (!random && search->wanted >= ports.first && search->wanted <= ports.last && is_free(search))
        return true;
    for (uint32_t i = 0; i < RUNS; i++) {
        if (try_run(search, &ports, ports.keeps_parity && i < RUNS / 2,
                    choose_start(search, i, span)))
            return true;
    }
    return false;
}

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
static bool use_mapping(const struct search *search, const uint8_t *via, uint32_t *ret_mapping)
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
    return is_reply_free(search->tracking, search->flow, search->leaving);
}

/* Another mapping, with the address as it is. */
static bool make_mapping(const struct search *search, uint32_t *ret_mapping)
{
    struct mapping_outside outside;
    struct flow_tuple reply;

    if (!find_port(search))
        return false;
    outside = outside_of(search->leaving);
    *ret_mapping = mappings_add(table_mappings(search->tracking->table), &search->inside, &outside);
    if (*ret_mapping != 0)
        return true;
    reply = flow_tuple_turn(search->leaving);
    table_disclaim(search->tracking->table, &reply);
    return false;
}

/* How many addresses FIRST to LAST are, at most 2^32. */
static uint64_t count_addresses(const struct address_range *range)
{
    uint64_t difference = 0;

    for (size_t i = 0; i < IP_ADDR_BYTES(range->first.family); i++) {
        difference = (difference << 8) + range->last.bytes[i] - range->first.bytes[i];
        if (difference >> 32 != 0)
            return UINT64_C(1) << 32;
    }
    return difference + 1;
}

/* FIRST plus OFFSET. */
static void put_address(const struct address_range *range, uint64_t offset, uint8_t *ret_bytes)
{
    for (size_t i = IP_ADDR_BYTES(range->first.family); i-- > 0;) {
        offset += range->first.bytes[i];
        ret_bytes[i] = (uint8_t)offset;
        offset >>= 8;
    }
}

/*
 * Of what one address of several is chosen by: the client, or the client and its port. No secret,
 * so that a client has the same one after a restart.
 */
static uint64_t hash_client(const struct translation *translation, const struct flow_tuple *tuple)
{
    struct flow_tuple client = {.sport = tuple->sport, .proto = tuple->proto};

    memcpy(client.src, tuple->src, sizeof(client.src));
    if (translation->persistent) {
        client.sport = 0;
        client.proto = 0;
    }
    return XXH3_64bits(&client, sizeof(client));
}

/* With the address as it is. */
static bool take(const struct search *search, uint32_t *ret_mapping)
{
    *ret_mapping = 0;
    if (has_source_port(search->leaving))
        return make_mapping(search, ret_mapping);
    return is_reply_free(search->tracking, search->flow, search->leaving);
}

/* From the addresses of the pool. */
static enum reason choose_from_pool(const struct search *search, uint32_t *ret_mapping)
{
    const struct translation *pool = search->translation;
    uint64_t count = count_addresses(&pool->addresses);
    uint64_t start = hash_client(pool, search->leaving) % count;
    uint64_t tries = pool->persistent ? 1 : MIN_OF(count, (uint64_t)POOL_TRIES);

    if (use_mapping(search, NULL, ret_mapping))
        return REASON_NONE;
    for (uint64_t i = 0; i < tries; i++) {
        put_address(&pool->addresses, (start + i) % count, search->leaving->src);
        if (take(search, ret_mapping))
            return REASON_NONE;
    }
    return REASON_NAT_EXHAUSTED;
}

/*
 * What comes from inside to a mapping of this host goes to inside again, and has the source that it
 * would have outside: the address of the mapping (RFC 4787 REQ-9).
 */
static bool find_masquerade(const struct search *search, struct ip_addr *ret_addr)
{
    enum ip_family family = (enum ip_family)search->leaving->family;

    if ((search->flow->flags & FLOW_INWARD) == 0)
        return host_view_source(search->tracking->view, family, search->leaving->dst, ret_addr);
    *ret_addr = ip_addr_from_bytes(family, search->flow->tuples[FLOW_ORIGINAL].dst);
    return true;
}

/* From this host's addresses. */
static enum reason choose_masquerade(const struct search *search, uint32_t *ret_mapping)
{
    struct ip_addr addr;

    if (!find_masquerade(search, &addr))
        return REASON_NAT_NO_SOURCE;
    if (!use_mapping(search, addr.bytes, ret_mapping)) {
        memcpy(search->leaving->src, addr.bytes, sizeof(addr.bytes));
        if (!take(search, ret_mapping))
            return REASON_NAT_EXHAUSTED;
    }
    search->flow->flags |= FLOW_MASQUERADED;
    return REASON_NONE;
}

static enum reason choose_by_prefix(const struct search *search)
{
    const struct translation *translation = search->translation;

    if (!prefix_map(&translation->prefix, search->leaving->src))
        return REASON_UNTRANSLATABLE;
    return is_reply_free(search->tracking, search->flow, search->leaving) ? REASON_NONE
                                                                          : REASON_NAT_EXHAUSTED;
}

/* The address stays; the port if it can. */
static enum reason choose_port(const struct search *search)
{
    bool found = has_source_port(search->leaving)
                     ? find_port(search)
                     : is_reply_free(search->tracking, search->flow, search->leaving);

    return found ? REASON_NONE : REASON_NAT_EXHAUSTED;
}

enum reason choose_source(const struct tracking *tracking, struct flow *flow,
                          const struct translation_note *note, struct flow_tuple *leaving,
                          uint32_t *ret_mapping)
{
    const struct search search = {
        .tracking = tracking,
        .flow = flow,
        .translation = note->translation,
        .inside = inside_of(tracking, note->rule, leaving),
        .leaving = leaving,
        .wanted = leaving->sport,
    };

    *ret_mapping = 0;
    if (note->translation == NULL)
        return choose_port(&search);
    switch (note->translation->kind) {
    case TRANSLATION_SNAT:
        return choose_from_pool(&search, ret_mapping);
    case TRANSLATION_NETMAP_SRC:
        return choose_by_prefix(&search);
    case TRANSLATION_MASQUERADE:
        return choose_masquerade(&search, ret_mapping);
    case TRANSLATION_DNAT:
    case TRANSLATION_REDIRECT:
    case TRANSLATION_NETMAP_DST:
        break;
    }
    return REASON_NONE;
}

static void choose_destination_port(const struct tracking *tracking,
                                    const struct translation *translation,
                                    struct flow_tuple *leaving)
{
    uint32_t span = translation->last_port - translation->first_port + 1u;
    uint64_t choice = translation->random ? rng_u32(tracking->rng)
                                          : hash_client(translation, leaving) >> 32;

    leaving->dport = (uint16_t)(translation->first_port + choice % span);
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
    uint64_t choice = hash_client(translation, leaving);

    if (translation->has_ports)
        choose_destination_port(tracking, translation, leaving);
    switch (translation->kind) {
    case TRANSLATION_DNAT:
        put_address(&translation->addresses, choice % count_addresses(&translation->addresses),
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
