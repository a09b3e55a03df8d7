/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be asked of a packet that parse.c accepted. */
#include "ipmodd/datapath/packet.h"

#include "ipmodd/wire/bytes.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "ipmodd/wire/tcp.h"
#include "ipmodd/wire/udp.h"

#include <assert.h>
#include <netinet/in.h>

size_t packet_wire_bytes(const struct packet *packet)
{
    return packet->length + (packet->segments - 1) * packet->payload_offset;
}

const uint8_t *packet_src(const struct packet *packet)
{
    return packet->data + (packet->family == FAMILY_IPV4 ? IP4_SRC : IP6_SRC);
}

const uint8_t *packet_dst(const struct packet *packet)
{
    return packet->data + (packet->family == FAMILY_IPV4 ? IP4_DST : IP6_DST);
}

uint8_t packet_ttl(const struct packet *packet)
{
    return packet->data[packet->family == FAMILY_IPV4 ? IP4_TTL : IP6_HOP_LIMIT];
}

uint8_t packet_tos(const struct packet *packet)
{
    if (packet->family == FAMILY_IPV4)
        return packet->data[IP4_TOS];
    return ip6_traffic_class(packet->data);
}

bool packet_df(const struct packet *packet)
{
    assert(packet->family == FAMILY_IPV4);
    return (be16_load(packet->data + IP4_FRAGMENT) & IP4_DF) != 0;
}

uint16_t packet_ip_id(const struct packet *packet)
{
    assert(packet->family == FAMILY_IPV4);
    return be16_load(packet->data + IP4_ID);
}

uint32_t packet_flow_label(const struct packet *packet)
{
    assert(packet->family == FAMILY_IPV6);
    return be32_load(packet->data + IP6_VERSION_CLASS) & IP6_FLOW_LABEL_MASK;
}

uint32_t packet_fragment_id(const struct packet *packet)
{
    assert((packet->flags & PACKET_FRAGMENT) != 0);
    if (packet->family == FAMILY_IPV4)
        return packet_ip_id(packet);
    return be32_load(packet->data + packet->fragment_offset - IP6_FRAGMENT_HEADER +
                     IP6_FRAGMENT_ID);
}

size_t packet_fragment_place(const struct packet *packet)
{
    const uint8_t *header = packet->data + packet->fragment_offset - IP6_FRAGMENT_HEADER;

    assert((packet->flags & PACKET_FRAGMENT) != 0);
    if (packet->family == FAMILY_IPV4)
        return ip4_fragment_offset(packet->data);
    return be16_load(header + IP6_FRAGMENT_OFFSET) & IP6_FRAGMENT_OFFSET_MASK;
}

bool packet_sees_l4(const struct packet *packet)
{
    if (packet->shadow != NULL)
        return packet->shadow->length > 0;
    return (packet->flags & PACKET_HAS_L4) != 0;
}

const uint8_t *packet_l4(const struct packet *packet)
{
    assert(packet_sees_l4(packet));
    return packet->shadow != NULL ? packet->shadow->bytes : packet->data + packet->l4_offset;
}

size_t packet_l4_length(const struct packet *packet)
{
    assert(packet_sees_l4(packet));
    return packet->shadow != NULL ? packet->shadow->length
                                  : packet->payload_offset - packet->l4_offset;
}

bool packet_has_payload(const struct packet *packet)
{
    if ((packet->flags & PACKET_HAS_L4) != 0)
        return true;
    return (packet->flags & PACKET_FRAGMENT) == 0;
}

size_t packet_payload_length(const struct packet *packet)
{
    size_t length = packet->length - packet->payload_offset;
    size_t said;

    assert(packet_has_payload(packet));
    if (packet->proto != IPPROTO_UDP || packet->segments > 1)
        return length;
    said = be16_load(packet->data + packet->l4_offset + UDP_LENGTH);
    return said - UDP_HEADER < length ? said - UDP_HEADER : length;
}

static bool proto_has_ports(uint8_t proto)
{
    return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
           proto == IPPROTO_UDPLITE || proto == IPPROTO_DCCP;
}

bool packet_has_ports(const struct packet *packet)
{
    return packet_sees_l4(packet) && proto_has_ports(packet->proto);
}

/* All protocols with ports have them in the same place. */
uint16_t packet_sport(const struct packet *packet)
{
    assert(packet_has_ports(packet));
    return be16_load(packet_l4(packet) + UDP_SPORT);
}

uint16_t packet_dport(const struct packet *packet)
{
    assert(packet_has_ports(packet));
    return be16_load(packet_l4(packet) + UDP_DPORT);
}

bool packet_is_tcp(const struct packet *packet)
{
    return packet_sees_l4(packet) && packet->proto == IPPROTO_TCP;
}

uint8_t packet_tcp_flags(const struct packet *packet)
{
    assert(packet_is_tcp(packet));
    return packet_l4(packet)[TCP_FLAGS];
}

uint16_t packet_tcp_window(const struct packet *packet)
{
    assert(packet_is_tcp(packet));
    return be16_load(packet_l4(packet) + TCP_WINDOW);
}

bool packet_is_icmp(const struct packet *packet)
{
    uint8_t own = packet->family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

    return packet_sees_l4(packet) && packet->proto == own;
}

uint8_t packet_icmp_type(const struct packet *packet)
{
    assert(packet_is_icmp(packet));
    return packet_l4(packet)[ICMP_MSG_TYPE];
}

uint8_t packet_icmp_code(const struct packet *packet)
{
    assert(packet_is_icmp(packet));
    return packet_l4(packet)[ICMP_MSG_CODE];
}
