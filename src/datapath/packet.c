/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of a packet only now and then. */
#include "ipmodd/datapath/packet.h"

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

uint16_t packet_tcp_window(const struct packet *packet)
{
    assert(packet_is_tcp(packet));
    return be16_load(packet_l4(packet) + TCP_WINDOW);
}

uint8_t packet_icmp_code(const struct packet *packet)
{
    assert(packet_is_icmp(packet));
    return packet_l4(packet)[ICMP_MSG_CODE];
}
