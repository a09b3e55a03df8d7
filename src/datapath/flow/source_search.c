/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The search for ports (RFC 4787 4, RFC 6056 3.3). */
#include "source_search.h"

#include "table.h"

#include <netinet/in.h>
#include <string.h>

enum {
    WELL_KNOWN_MAX = 1023, /* RFC 4787 REQ-3 b */
    PORT_TRIES = 64,       /* free ones that something without a mapping has */
};

/* Bits of struct port_range. */
#define EVERY_PORT UINT64_MAX
#define EVEN_PORTS UINT64_C(0x5555555555555555)

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
    return (flow->flags & FLOW_DECIDED) == 0 || (flow->flags & FLOW_REFUSED) != 0;
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

/* Where the search begins. */
static uint16_t choose_start(const struct source_search *search, const struct ports *ports)
{
    uint32_t span = ports->last - ports->first + 1u;
    struct {
        struct mapping_inside inside;
        uint8_t dst[16];
        uint32_t dport;
    } key = {.inside = search->inside, .dport = search->leaving->dport};
    uint64_t choice;

    memcpy(key.dst, search->leaving->dst, sizeof(key.dst));
    choice = search->translation != NULL && search->translation->random
                 ? rng_u32(search->tracking->rng)
                 : table_hash(search->tracking->table, &key, sizeof(key));
    return (uint16_t)(ports->first + choice % span);
}

/* Takes the first free one of RANGE from START on and round; leaves it in the tuple. */
static bool try_range(const struct source_search *search, const struct port_range *range,
                      uint16_t start)
{
    const struct mappings *mappings = table_mappings(search->tracking->table);
    struct mapping_outside outside = source_search_outside(search);

    outside.port = start;
    for (int i = 0; i < PORT_TRIES; i++) {
        if (!mappings_find_port(mappings, &outside, range, &search->leaving->sport))
            return false;
        if (source_search_is_reply_free(search))
            return true;
        outside.port = search->leaving->sport < range->last ? (uint16_t)(search->leaving->sport + 1)
                                                            : range->first;
    }
    return false;
}

bool source_search_find_port(const struct source_search *search)
{
    const struct ports ports = allowed_ports(search);
    bool random = search->translation != NULL && search->translation->random;
    struct port_range range = {ports.first, ports.last, EVERY_PORT};
    uint16_t start;

    search->leaving->sport = search->wanted;
    if (!random && search->wanted >= ports.first && search->wanted <= ports.last && is_free(search))
        return true;
    start = choose_start(search, &ports);
    if (ports.keeps_parity) {
        range.wanted = search->wanted % 2 == 0 ? EVEN_PORTS : ~EVEN_PORTS;
        if (try_range(search, &range, start))
            return true;
        range.wanted = EVERY_PORT;
    }
    return try_range(search, &range, start);
}
