/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which end of a packet is translated when, and to what. */
#include "translate.h"

#include "prefix_map.h"

#include "ipmodd/datapath/edit.h"
#include "ipmodd/datapath/translation.h"

#include <string.h>

/* The end that began the flow is its source. */
static bool is_initiator(enum packet_end end, enum flow_way way)
{
    return (end == PACKET_SRC) == (way == FLOW_ORIGINAL);
}

static enum translation_stage stage_of(const struct packet *packet, enum packet_end end)
{
    bool inward = (packet->flow->flags & FLOW_INWARD) != 0;
    bool before = (packet->way == FLOW_REPLY) != (inward && !is_initiator(end, packet->way));

    return before ? TRANSLATE_BEFORE_RULES : TRANSLATE_AFTER_RULES;
}

static bool set_address(struct packet *packet, enum packet_end end, const uint8_t *bytes)
{
    const struct ip_addr addr = ip_addr_from_bytes(packet->family, bytes);

    return end == PACKET_SRC ? edit_src(packet, &addr) : edit_dst(packet, &addr);
}

static bool set_port(struct packet *packet, enum packet_end end, uint16_t port)
{
    if (packet_is_icmp(packet))
        return edit_icmp_id(packet, port);
    return end == PACKET_SRC ? edit_sport(packet, port) : edit_dport(packet, port);
}

/* In an error's quote the ends stand the other way round. */
static bool translate_error(struct packet *packet, enum packet_end end, const uint8_t *address,
                            bool changes_port, uint16_t port)
{
    enum packet_end quoted = end == PACKET_SRC ? PACKET_DST : PACKET_SRC;

    return set_address(packet, end, address) &&
           translate_quote(packet, quoted, address, changes_port, port);
}

static bool translate_end(struct packet *packet, enum packet_end end, struct flow_tuple *from,
                          struct flow_tuple *to)
{
    const uint8_t *address = flow_tuple_address(to, end);
    uint16_t port = *flow_tuple_port(to, end);
    bool changes_address =
        memcmp(address, flow_tuple_address(from, end), IP_ADDR_BYTES(packet->family)) != 0;
    bool changes_port = port != *flow_tuple_port(from, end);

    if (!changes_address && !changes_port)
        return true;
    if (packet->relation == RELATION_RELATED)
        return translate_error(packet, end, address, changes_port, port);
    if (changes_address && !set_address(packet, end, address))
        return false;
    return !changes_port || set_port(packet, end, port);
}

bool translate_packet(struct packet *packet, enum translation_stage stage)
{
    const struct flow *flow = packet->flow;
    struct flow_tuple from, to;

    if (flow == NULL || !flow_is_translated(flow))
        return true;
    from = flow->tuples[packet->way];
    to = flow_tuple_turn(&flow->tuples[packet->way == FLOW_ORIGINAL ? FLOW_REPLY : FLOW_ORIGINAL]);
    for (enum packet_end end = 0; end < PACKET_ENDS; end++) {
        if (stage_of(packet, end) == stage && !translate_end(packet, end, &from, &to))
            return false;
    }
    return true;
}

/* An error's quote is of a packet that went the other way. */
static bool move_quoted(struct packet *packet, enum packet_end end, const struct ip_prefix *prefix,
                        struct flow_tuple *tuple)
{
    enum packet_end quoted = end == PACKET_SRC ? PACKET_DST : PACKET_SRC;
    uint8_t *address = flow_tuple_address(tuple, quoted);

    return prefix_map(prefix, address) && translate_quote(packet, quoted, address, false, 0);
}

static bool move_end(struct packet *packet, enum packet_end end)
{
    const struct translation *translation = packet->notes[end].translation;
    uint8_t address[16] = {0};
    struct flow_tuple tuple;
    enum flow_kind kind = flow_tuple_of(packet, &tuple);

    if (translation == NULL)
        return true;
    if (kind == FLOW_KIND_UNKNOWN || (translation->kind != TRANSLATION_NETMAP_SRC &&
                                      translation->kind != TRANSLATION_NETMAP_DST))
        return false;
    memcpy(address, end == PACKET_SRC ? packet_src(packet) : packet_dst(packet),
           IP_ADDR_BYTES(packet->family));
    if (!prefix_map(&translation->prefix, address) || !set_address(packet, end, address))
        return false;
    return kind != FLOW_KIND_ERROR || move_quoted(packet, end, &translation->prefix, &tuple);
}

bool translate_by_prefixes(struct packet *packet)
{
    return move_end(packet, PACKET_SRC) && move_end(packet, PACKET_DST);
}
