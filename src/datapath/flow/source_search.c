/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The search for ports (RFC 4787 4, RFC 6056 3.3). */
#include "source_search.h"

#include "ipmodd/base/macro.h"
#include "table.h"

#include <netinet/in.h>
#include <string.h>

enum {
    RUN = 64,                 /* ports that are tried one behind the other */
    RUNS = PORT_PROBES / RUN, /* places from where */
    WELL_KNOWN_MAX = 1023,    /* RFC 4787 REQ-3 b */
};

static bool is_query(const struct flow_tuple *tuple)
{
    return (tuple->proto == IPPROTO_ICMP || tuple->proto == IPPROTO_ICMPV6) && tuple->dport != 0;
}

bool source_search_has_port(const struct source_search *search)
{
    return flow_proto_has_ports(search->leaving->proto) || is_query(search->leaving);
}

/* Whether FLOW has a place that others may have: nothing of it has left, or been let in. */
static bool gives_way(const struct flow *flow)
{
    return (flow->flags & FLOW_DECIDED) == 0 ||
           ((flow->flags & FLOW_REFUSED) != 0 && !flow_is_answered(flow));
}

bool source_search_is_reply_free(const struct source_search *search)
{
    const struct flow_tuple reply = flow_tuple_turn(search->leaving);
    enum flow_way way;
    struct flow *holder =
        flow_table_find(search->tracking->table, &reply, search->tracking->now_ns, &way);
    unsigned owner;

    if (holder == search->flow)
        return true;
    if (holder != NULL && !gives_way(holder))
        return false;
    if (holder != NULL)
        flow_table_remove(search->tracking->table, holder, FLOW_END_DISPLACED,
                          search->tracking->now_ns);
    return table_claim(search->tracking->table, &reply, &owner);
}

struct mapping_outside source_search_outside(const struct source_search *search)
{
    struct mapping_outside outside = {.port = search->leaving->sport,
                                      .proto = search->leaving->proto,
                                      .family = search->leaving->family};

    memcpy(outside.address, search->leaving->src, sizeof(outside.address));
    return outside;
}

static bool is_free(const struct source_search *search)
{
    const struct mapping_outside outside = source_search_outside(search);

    return mappings_find_outside(table_mappings(search->tracking->table), &outside) == 0 &&
           source_search_is_reply_free(search);
}

struct ports {
    uint16_t first, last;
    bool keeps_parity;
};

static struct ports allowed_ports(const struct source_search *search)
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
static uint32_t choose_start(const struct source_search *search, uint32_t run_number, uint32_t span)
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
static bool try_run(const struct source_search *search, const struct ports *ports,
                    bool keeps_parity, uint32_t start)
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

bool source_search_find_port(const struct source_search *search)
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
