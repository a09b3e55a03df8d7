/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a packet is to the flows that are known, and the flow that it begins. */
#include "track_flow.h"

#include "directory.h"
#include "ipmodd/datapath/path.h"
#include "ipmodd/wire/tcp.h"
#include "mapping.h"
#include "quote.h"
#include "table.h"
#include "translate.h"

#include <string.h>

/*
 * The hand of the flow table goes over so many entries for each packet: each packet can add one, so
 * even then the hand is round before the table has been filled twice.
 */
enum { SWEEP_FACTOR = 2 };

/* An answer to nothing, or the end of nothing, begins no flow. Data of a connection that is older
 * than the table does. */
static bool can_begin(const struct packet *packet, enum flow_kind kind)
{
    uint8_t flags = packet_is_tcp(packet) ? packet_tcp_flags(packet) : 0;
    const unsigned answers = TCP_FLAG_SYN | TCP_FLAG_ACK;

    return kind == FLOW_KIND_PART && (flags & TCP_FLAG_RST) == 0 && (flags & answers) != answers;
}

/* Whether the source of FLOW is not any more what its next packet would get. */
static bool has_another_way(const struct tracking *tracking, const struct flow *flow)
{
    const struct flow_tuple *reply = &flow->tuples[FLOW_REPLY];
    enum ip_family family = (enum ip_family)reply->family;
    struct ip_addr addr;

    if ((flow->flags & FLOW_INWARD) != 0)
        return false;
    return !host_view_source(tracking->view, family, reply->src, &addr) ||
           memcmp(addr.bytes, reply->dst, IP_ADDR_BYTES(family)) != 0;
}

/*
 * As with the kernel's MASQUERADE, a flow ends with the address that it has of this host, and when
 * its packets would leave by another way; answers may still come by the old one. Routes are asked
 * once after each change.
 */
static bool lost_its_source(const struct tracking *tracking, struct flow *flow, enum flow_way way)
{
    const struct flow_tuple *reply = &flow->tuples[FLOW_REPLY];

    if ((flow->flags & FLOW_MASQUERADED) == 0)
        return false;
    if (flow->seen_ns < tracking->view_since_ns)
        flow->flags |= FLOW_DOUBTFUL;
    if ((flow->flags & FLOW_DOUBTFUL) == 0)
        return false;
    if (!host_view_is_local(tracking->view, (enum ip_family)reply->family, reply->dst))
        return true;
    if (way == FLOW_REPLY)
        return false;
    flow->flags &= (uint8_t)~FLOW_DOUBTFUL;
    return has_another_way(tracking, flow);
}

/* A flow that was refused is anybody's; what comes of it takes it back, unless somebody has it. */
static bool is_taken_away(const struct tracking *tracking, struct flow *flow)
{
    unsigned owner;

    if ((flow->flags & FLOW_REFUSED) == 0)
        return false;
    flow->flags &= (uint8_t)~FLOW_REFUSED;
    return !table_claim(tracking->table, &flow->tuples[FLOW_ORIGINAL], &owner);
}

/* The flow that TUPLE names, unless it is of no use any more. */
static struct flow *find(const struct tracking *tracking, const struct flow_tuple *tuple,
                         enum flow_way *ret_way)
{
    struct flow *flow = flow_table_find(tracking->table, tuple, tracking->now_ns, ret_way);

    if (flow == NULL ||
        (!lost_its_source(tracking, flow, *ret_way) && !is_taken_away(tracking, flow)))
        return flow;
    flow_table_remove(tracking->table, flow, FLOW_END_MOVED, tracking->now_ns);
    return NULL;
}

/*
 * Whether the inside of the mapping has sent to the address that TUPLE comes from: then there is
 * a permit.
 */
static bool has_permit(const struct tracking *tracking, const struct flow_tuple *tuple)
{
    const struct mapping_inside permit = mapping_permit(tuple);

    return mappings_find_inside(table_mappings(tracking->table), &permit, NULL) != 0;
}

/* Whether PACKET of no flow may begin one to the mapping that it is sent to. */
static bool passes_filter(const struct tracking *tracking, const struct packet *packet,
                          const struct flow_tuple *tuple)
{
    if (packet_is_tcp(packet) && (packet_tcp_flags(packet) & TCP_FLAG_SYN) == 0)
        return false;
    switch (table_limits(tracking->table)->nat_filtering) {
    case NAT_ENDPOINT_INDEPENDENT:
        return true;
    case NAT_ADDRESS_DEPENDENT:
        return has_permit(tracking, tuple);
    case NAT_ADDRESS_AND_PORT_DEPENDENT: /* would be of a flow */
    case NAT_BEHAVIOUR_COUNT:
        break;
    }
    return false;
}

/* The number of the mapping that PACKET of no flow is sent to; 0 for none. */
static uint32_t find_mapping(const struct tracking *tracking, const struct flow_tuple *tuple)
{
    struct mapping_outside outside = {
        .port = tuple->dport, .proto = tuple->proto, .family = tuple->family};

    if (!flow_proto_has_ports(tuple->proto))
        return 0;
    memcpy(outside.address, tuple->dst, sizeof(outside.address));
    return mappings_find_outside(table_mappings(tracking->table), &outside);
}

/* PACKET is of a flow of shard OWNER. */
static void hand_over(struct packet *packet, unsigned owner)
{
    packet->fate = FATE_HANDED;
    packet->shard = (uint8_t)owner;
}

/*
 * A flow of PACKET; NULL when there is no room, or when another shard has begun one at the same
 * moment: then PACKET is handed over.
 */
static struct flow *add(const struct tracking *tracking, struct packet *packet,
                        const struct flow_tuple *original, const struct flow_tuple *reply)
{
    unsigned owner;

    if (table_claim(tracking->table, original, &owner))
        return flow_table_add(tracking->table, original, reply, tracking->now_ns);
    if (owner != DIRECTORY_NOBODY)
        hand_over(packet, owner);
    return NULL;
}

/* A flow from outside to what mapping NUMBER has inside. */
static struct flow *begin_inward(const struct tracking *tracking, struct packet *packet,
                                 const struct flow_tuple *tuple, uint32_t number)
{
    const struct mapping *mapping = mappings_get(table_mappings(tracking->table), number);
    struct flow_tuple inside = *tuple, reply;
    struct flow *flow;

    memcpy(inside.dst, mapping->inside.address, sizeof(inside.dst));
    inside.dport = mapping->inside.port;
    reply = flow_tuple_turn(&inside);
    flow = add(tracking, packet, tuple, &reply);
    if (flow == NULL)
        return NULL;
    flow->flags |= FLOW_INWARD;
    flow->rule = mapping->inside.rule;
    flow_table_hold_mapping(tracking->table, flow, PACKET_DST, number);
    return flow;
}

/* With the lock of the mappings. RET_FLOW as begin(). */
static enum reason begin_among_mappings(const struct tracking *tracking, struct packet *packet,
                                        const struct flow_tuple *tuple, struct flow **ret_flow)
{
    const struct flow_tuple turned = flow_tuple_turn(tuple);
    uint32_t mapping = find_mapping(tracking, tuple);

    if (mapping == 0)
        *ret_flow = add(tracking, packet, tuple, &turned);
    else if (!passes_filter(tracking, packet, tuple) ||
             table_is_mapping_full(tracking->table, mapping))
        return REASON_NAT_FILTERED;
    else
        *ret_flow = begin_inward(tracking, packet, tuple, mapping);
    return REASON_NONE;
}

/* RET_FLOW: the flow that PACKET begins; NULL when there is no room, or it is handed over. */
static enum reason begin(const struct tracking *tracking, struct packet *packet,
                         const struct flow_tuple *tuple, struct flow **ret_flow)
{
    const struct flow_tuple turned = flow_tuple_turn(tuple);
    enum reason reason;

    if (mappings_are_none(table_mappings(tracking->table))) {
        *ret_flow = add(tracking, packet, tuple, &turned);
        return REASON_NONE;
    }
    table_lock_mappings(tracking->table);
    reason = begin_among_mappings(tracking, packet, tuple, ret_flow);
    table_unlock_mappings(tracking->table);
    return reason;
}

/* Whether PACKET of FLOW is this host's reset to a SYN from outside, and comes too soon. */
static bool refuses_too_soon(const struct tracking *tracking, const struct flow *flow,
                             enum flow_way way, const struct packet *packet)
{
    uint64_t wait_s = table_limits(tracking->table)->nat_refuse_after;

    return tracking->shares_addresses && way == FLOW_REPLY && packet_is_tcp(packet) &&
           (packet_tcp_flags(packet) & TCP_FLAG_RST) != 0 && !flow_is_answered(flow) &&
           flow_tcp_state_of(flow) == FLOW_TCP_SYN_SENT && !flow_is_translated(flow) &&
           host_view_is_local(tracking->view, packet->family, packet_src(packet)) &&
           tracking->now_ns < flow->made_ns + wait_s * UINT64_C(1000000000);
}

static void note_flow(struct packet *packet, struct flow *flow, enum flow_way way)
{
    packet->flow = flow;
    packet->way = way;
    packet->relation = flow_is_answered(flow) ? RELATION_ESTABLISHED : RELATION_NEW;
    packet->flow_packets = flow->packets[FLOW_ORIGINAL] + flow->packets[FLOW_REPLY];
    packet->flow_bytes = flow->bytes[FLOW_ORIGINAL] + flow->bytes[FLOW_REPLY];
}

/* Whether a packet with TUPLE, of no flow here, is of one of another shard: then it goes there. */
static bool is_elsewhere(const struct tracking *tracking, struct packet *packet,
                         const struct flow_tuple *tuple)
{
    unsigned owner;

    if (!table_is_elsewhere(tracking->table, tuple, &owner))
        return false;
    hand_over(packet, owner);
    return true;
}

/* An error about a packet goes the way of what answers it. */
static void relate(const struct tracking *tracking, struct packet *packet,
                   const struct flow_tuple *quoted)
{
    const struct flow_tuple turned = flow_tuple_turn(quoted);
    enum flow_way way;
    struct flow *flow = find(tracking, &turned, &way);

    if (flow == NULL) {
        is_elsewhere(tracking, packet, &turned);
        return;
    }
    packet->flow = flow;
    packet->way = way;
    packet->relation = RELATION_RELATED;
}

/* PACKET is of no flow that is there. */
static enum reason track_first(const struct tracking *tracking, struct packet *packet,
                               const struct flow_tuple *tuple)
{
    struct flow *flow;
    enum reason reason = begin(tracking, packet, tuple, &flow);

    if (reason != REASON_NONE)
        return reason;
    packet->relation = RELATION_NEW;
    if (flow == NULL)
        return REASON_NONE;
    flow_follow(tracking->table, flow, FLOW_ORIGINAL, packet, tracking->now_ns);
    note_flow(packet, flow, FLOW_ORIGINAL);
    return REASON_NONE;
}

static enum reason find_flow(const struct tracking *tracking, struct packet *packet)
{
    enum flow_way way = FLOW_ORIGINAL;
    struct flow_tuple tuple;
    enum flow_kind kind = flow_tuple_of(packet, &tuple);
    struct flow *flow;

    packet->relation = RELATION_INVALID;
    if (kind == FLOW_KIND_UNKNOWN)
        return REASON_NONE;
    if (kind == FLOW_KIND_ERROR) {
        relate(tracking, packet, &tuple);
        return REASON_NONE;
    }
    flow = find(tracking, &tuple, &way);
    if (flow != NULL && refuses_too_soon(tracking, flow, way, packet)) {
        flow->flags |= FLOW_REFUSED;
        table_give_up(tracking->table, flow);
        return REASON_NAT_RESET_HELD;
    }
    if (flow != NULL && flow_follow(tracking->table, flow, way, packet, tracking->now_ns)) {
        note_flow(packet, flow, way);
        return REASON_NONE;
    }
    if (flow != NULL)
        flow_table_remove(tracking->table, flow, FLOW_END_CLOSED, tracking->now_ns);
    else if (is_elsewhere(tracking, packet, &tuple))
        return REASON_NONE;
    return can_begin(packet, kind) ? track_first(tracking, packet, &tuple) : REASON_NONE;
}

void track_begin(struct flow_table *table, const struct packet *packets, size_t count,
                 uint64_t now_ns)
{
    struct flow_tuple tuples[BATCH_PACKETS];
    size_t found = 0;

    flow_table_sweep(table, SWEEP_FACTOR * count, now_ns);
    for (size_t i = 0; i < count; i++) {
        if (packets[i].reason == REASON_NONE &&
            flow_tuple_of(&packets[i], &tuples[found]) != FLOW_KIND_UNKNOWN)
            found++;
    }
    flow_table_prefetch(table, tuples, found);
}

enum reason track_flow(const struct tracking *tracking, struct packet *packet)
{
    enum reason reason;

    if (quote_is_part_of_error(packet) && table_translates(tracking->table))
        return REASON_UNTRANSLATABLE;
    reason = find_flow(tracking, packet);
    if (reason != REASON_NONE)
        return reason;
    if (packet->fate == FATE_HANDED)
        return REASON_NONE;
    return translate_packet(packet, TRANSLATE_BEFORE_RULES) ? REASON_NONE : REASON_UNTRANSLATABLE;
}
