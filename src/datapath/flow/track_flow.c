/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a packet is to the flows that are known, and the flow that it begins. */
#include "track_flow.h"

#include "ipmodd/wire/tcp.h"

/* An answer to nothing, or the end of nothing, begins no flow. Data of a connection that is older
 * than the table does. */
static bool can_begin(const struct packet *packet, enum flow_kind kind)
{
    uint8_t flags = packet_is_tcp(packet) ? packet_tcp_flags(packet) : 0;
    const unsigned answers = TCP_FLAG_SYN | TCP_FLAG_ACK;

    return kind == FLOW_KIND_PART && (flags & TCP_FLAG_RST) == 0 && (flags & answers) != answers;
}

/* The flow of TUPLE, made if it has to be; NULL when there is none. */
static struct flow *begin(struct flow_table *table, const struct flow_tuple *tuple, uint64_t now_ns)
{
    const struct flow_tuple turned = flow_tuple_turn(tuple);
    enum flow_way way;

    /* Somebody's translation has these tuples already. */
    if (flow_table_find(table, &turned, now_ns, &way) != NULL)
        return NULL;
    return flow_table_add(table, tuple, &turned, now_ns);
}

static void note_flow(struct packet *packet, struct flow *flow, enum flow_way way)
{
    packet->flow = flow;
    packet->way = way;
    packet->relation = flow_is_answered(flow) ? RELATION_ESTABLISHED : RELATION_NEW;
    packet->flow_packets = flow->packets[FLOW_ORIGINAL] + flow->packets[FLOW_REPLY];
    packet->flow_bytes = flow->bytes[FLOW_ORIGINAL] + flow->bytes[FLOW_REPLY];
}

/* An error goes against the way of the packet that it is about. */
static void relate(struct packet *packet, struct flow *flow, enum flow_way way)
{
    packet->flow = flow;
    packet->way = way == FLOW_ORIGINAL ? FLOW_REPLY : FLOW_ORIGINAL;
    packet->relation = RELATION_RELATED;
}

void track_flow(struct flow_table *table, struct packet *packet, uint64_t now_ns)
{
    enum flow_way way = FLOW_ORIGINAL;
    struct flow_tuple tuple;
    enum flow_kind kind = flow_tuple_of(packet, &tuple);
    struct flow *flow;

    packet->relation = RELATION_INVALID;
    if (kind == FLOW_KIND_UNKNOWN)
        return;
    flow = flow_table_find(table, &tuple, now_ns, &way);
    if (kind == FLOW_KIND_ERROR) {
        if (flow != NULL)
            relate(packet, flow, way);
        return;
    }
    if (flow != NULL && !flow_follow(table, flow, way, packet, now_ns)) {
        flow_table_remove(table, flow);
        flow = NULL;
    } else if (flow != NULL) {
        note_flow(packet, flow, way);
        return;
    }
    if (!can_begin(packet, kind))
        return;
    packet->relation = RELATION_NEW;
    flow = begin(table, &tuple, now_ns);
    if (flow == NULL)
        return;
    flow_follow(table, flow, FLOW_ORIGINAL, packet, now_ns);
    note_flow(packet, flow, FLOW_ORIGINAL);
}
