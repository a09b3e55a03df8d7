/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a packet to the tuple that names its flow. */
#include "ipmodd/datapath/flow.h"

#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "quote.h"

#include <netinet/in.h>
#include <string.h>

enum {
    PORTS = 4,        /* bytes at the beginning of every header that has them */
    QUERY_HEADER = 8, /* bytes of a query that are needed to name its flow */
};

uint8_t *flow_tuple_address(struct flow_tuple *tuple, enum packet_end end)
{
    return end == PACKET_SRC ? tuple->src : tuple->dst;
}

uint16_t *flow_tuple_port(struct flow_tuple *tuple, enum packet_end end)
{
    return end == PACKET_SRC ? &tuple->sport : &tuple->dport;
}

bool flow_tuple_equal(const struct flow_tuple *a, const struct flow_tuple *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

struct flow_tuple flow_tuple_turn(const struct flow_tuple *tuple)
{
    struct flow_tuple turned = {
        .sport = tuple->dport,
        .dport = tuple->sport,
        .proto = tuple->proto,
        .family = tuple->family,
    };

    memcpy(turned.src, tuple->dst, sizeof(turned.src));
    memcpy(turned.dst, tuple->src, sizeof(turned.dst));
    return turned;
}

bool flow_proto_has_ports(uint8_t proto)
{
    return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
           proto == IPPROTO_UDPLITE || proto == IPPROTO_DCCP;
}

/* Requests of queries and what answers them. */
static const struct query {
    uint8_t proto, request, reply;
} queries[] = {
    {IPPROTO_ICMP, ICMP4_ECHO_REQUEST, ICMP4_ECHO_REPLY},
    {IPPROTO_ICMP, 13, 14}, /* timestamp */
    {IPPROTO_ICMP, 15, 16}, /* information (RFC 792; obsolete) */
    {IPPROTO_ICMP, 17, 18}, /* address mask (RFC 950) */
    {IPPROTO_ICMPV6, ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY},
};

static const struct query *find_query(uint8_t proto, uint8_t type)
{
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        if (queries[i].proto == proto && (queries[i].request == type || queries[i].reply == type))
            return &queries[i];
    }
    return NULL;
}

/* The identifier stands where the port of the side that asks would. */
static enum flow_kind fill_query(struct flow_tuple *tuple, const uint8_t *header)
{
    const struct query *query = find_query(tuple->proto, header[ICMP_MSG_TYPE]);
    uint16_t id = be16_load(header + ICMP_MSG_ID);

    if (query == NULL) /* neighbour discovery and others: a flow of the protocol as such */
        return FLOW_KIND_PART;
    if (header[ICMP_MSG_TYPE] == query->request) {
        tuple->sport = id;
        tuple->dport = query->request;
        return FLOW_KIND_PART;
    }
    tuple->sport = query->request;
    tuple->dport = id;
    return FLOW_KIND_ANSWER;
}

/*
 * The IP header at IP, and behind it SIZE bytes at L4 of TUPLE's protocol. FLOW_KIND_UNKNOWN when
 * they are too few.
 */
static enum flow_kind fill(struct flow_tuple *tuple, const uint8_t *ip, const uint8_t *l4,
                           size_t size)
{
    size_t length = IP_ADDR_BYTES(tuple->family);
    uint8_t icmp = tuple->family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

    memcpy(tuple->src, ip + (tuple->family == FAMILY_IPV4 ? (size_t)IP4_SRC : IP6_SRC), length);
    memcpy(tuple->dst, ip + (tuple->family == FAMILY_IPV4 ? (size_t)IP4_DST : IP6_DST), length);
    if (tuple->proto == icmp)
        return size >= QUERY_HEADER ? fill_query(tuple, l4) : FLOW_KIND_UNKNOWN;
    if (!flow_proto_has_ports(tuple->proto))
        return FLOW_KIND_PART;
    if (size < PORTS)
        return FLOW_KIND_UNKNOWN;
    tuple->sport = be16_load(l4);
    tuple->dport = be16_load(l4 + 2);
    return FLOW_KIND_PART;
}

static enum flow_kind tuple_of_quote(const struct packet *packet, struct flow_tuple *ret_tuple)
{
    struct flow_tuple tuple = {.zero = 0};
    struct quote quote;

    if (!quote_find(packet, &quote))
        return FLOW_KIND_UNKNOWN;
    tuple.proto = quote.proto;
    tuple.family = (uint8_t)quote.family;
    if (fill(&tuple, packet->data + quote.ip_offset, packet->data + quote.l4_offset,
             quote.end - quote.l4_offset) == FLOW_KIND_UNKNOWN)
        return FLOW_KIND_UNKNOWN;
    *ret_tuple = tuple;
    return FLOW_KIND_ERROR;
}

enum flow_kind flow_tuple_of(const struct packet *packet, struct flow_tuple *ret_tuple)
{
    struct flow_tuple tuple = {.proto = packet->proto, .family = (uint8_t)packet->family};
    enum flow_kind kind;

    bool later = (packet->flags & PACKET_LATER_FRAGMENT) != 0;

    if (quote_is_error(packet))
        return later ? FLOW_KIND_UNKNOWN : tuple_of_quote(packet, ret_tuple);
    if (packet_sees_l4(packet))
        kind = fill(&tuple, packet->data, packet_l4(packet), packet_l4_length(packet));
    else
        kind = later ? FLOW_KIND_UNKNOWN : fill(&tuple, packet->data, NULL, 0);
    if (kind != FLOW_KIND_UNKNOWN)
        *ret_tuple = tuple;
    return kind;
}
