/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every checksum of every protocol: repair by difference, verification, first computation. */
#include "fixup.h"

#include "ipmodd/wire/checksum.h"
#include "ipmodd/wire/crc32c.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/sctp.h"
#include "ipmodd/wire/tcp.h"
#include "ipmodd/wire/udp.h"

#include <assert.h>
#include <netinet/in.h>

static const struct checksum_kind tcp_kind = {TCP_CHECKSUM, true, false};
static const struct checksum_kind udp_kind = {UDP_CHECKSUM, true, true};
static const struct checksum_kind dccp_kind = {UDP_CHECKSUM, true, false};
static const struct checksum_kind icmp4_kind = {ICMP_MSG_CHECKSUM, false, false};
static const struct checksum_kind icmp6_kind = {ICMP_MSG_CHECKSUM, true, false};

const struct checksum_kind *checksum_kind_of(enum ip_family family, uint8_t proto)
{
    bool is_ip4 = family == FAMILY_IPV4;

    switch (proto) {
    case IPPROTO_TCP:
        return &tcp_kind;
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
        return &udp_kind;
    case IPPROTO_DCCP:
        return &dccp_kind;
    case IPPROTO_ICMP:
        return is_ip4 ? &icmp4_kind : NULL;
    case IPPROTO_ICMPV6:
        return is_ip4 ? NULL : &icmp6_kind;
    default:
        return NULL;
    }
}

static const struct checksum_kind *kind_of(const struct packet *packet)
{
    return checksum_kind_of(packet->family, packet->proto);
}

/*
 * A first fragment can hold the checksum field without holding the whole header, so the question is
 * not PACKET_HAS_L4.
 */
static bool holds_field(const struct packet *packet, size_t place, size_t size)
{
    return (packet->flags & PACKET_LATER_FRAGMENT) == 0 &&
           packet->length - packet->l4_offset >= place + size;
}

static void fix_ip_header(struct packet *packet)
{
    uint8_t *field = packet->data + IP4_CHECKSUM;

    if (packet->family == FAMILY_IPV4)
        be16_store(field, checksum_adjust(be16_load(field), packet->delta.ip_header));
}

static void fix_partial(struct packet *packet, const struct checksum_kind *kind)
{
    uint8_t *field = packet->data + packet->l4_offset + kind->place;

    if (!sum_is_zero(packet->delta.pseudo))
        be16_store(field, sum_add(be16_load(field), packet->delta.pseudo));
}

uint16_t checksum_repair(const struct checksum_kind *kind, uint16_t checksum, uint16_t pseudo,
                         uint16_t l4)
{
    if (kind->zero_is_none && checksum == 0)
        return 0;
    checksum = checksum_adjust(checksum, kind->pseudo ? sum_add(l4, pseudo) : l4);
    return kind->zero_is_none && checksum == 0 ? 0xffff : checksum;
}

static void fix_l4(struct packet *packet, const struct checksum_kind *kind)
{
    uint8_t *field = packet->data + packet->l4_offset + kind->place;

    if ((packet->flags & PACKET_PARTIAL_CHECKSUM) != 0) {
        fix_partial(packet, kind);
        return;
    }
    be16_store(field,
               checksum_repair(kind, be16_load(field), packet->delta.pseudo, packet->delta.l4));
}

static void fix_sctp(struct packet *packet)
{
    uint8_t *field = packet->data + packet->l4_offset + SCTP_CHECKSUM;
    uint32_t crc = le32_load(field);

    if (crc != 0)
        le32_store(field, crc ^ crc32c_move(packet->delta.sctp_crc,
                                            packet->length - packet->delta.sctp_end));
}

/* What was changed that an internet checksum of the upper layer covers. */
static void fix_upper_layer(struct packet *packet)
{
    const struct checksum_kind *kind = kind_of(packet);

    if (kind != NULL && holds_field(packet, kind->place, sizeof(uint16_t)))
        fix_l4(packet, kind);
}

void fixup_repair(struct packet *packet)
{
    fix_ip_header(packet);
    if (!sum_is_zero(packet->delta.l4) || !sum_is_zero(packet->delta.pseudo))
        fix_upper_layer(packet);
    if (packet->proto == IPPROTO_SCTP && (packet->flags & PACKET_FRAGMENT) == 0)
        fix_sctp(packet);
    packet->delta = (struct checksum_delta){.l4 = 0};
}

uint16_t fixup_pseudo_sum(const struct packet *packet, size_t length)
{
    if (packet->family == FAMILY_IPV4)
        return sum_pseudo_ip4(packet_src(packet), packet_dst(packet), packet->proto, length);
    return sum_pseudo_ip6(packet_src(packet), packet_dst(packet), packet->proto, length);
}

size_t fixup_covered(const struct packet *packet)
{
    const uint8_t *header = packet->data + packet->l4_offset;
    size_t length = packet->length - packet->l4_offset;
    size_t words;

    if ((packet->flags & PACKET_HAS_L4) == 0)
        return length;

    switch (packet->proto) {
    case IPPROTO_UDP:
        return be16_load(header + UDP_LENGTH);
    case IPPROTO_UDPLITE:
        return be16_load(header + UDP_LENGTH) == 0 ? length : be16_load(header + UDP_LENGTH);
    case IPPROTO_DCCP:
        words = header[DCCP_COVERAGE] & 0xf;
        if (words == 0)
            return length;
        return packet->payload_offset - packet->l4_offset + (words - 1) * 4;
    default:
        return length;
    }
}

/* Over all that the checksum covers, the field as it stands included. */
static uint16_t l4_sum(const struct packet *packet, const struct checksum_kind *kind)
{
    size_t length = packet->length - packet->l4_offset;
    size_t cover = fixup_covered(packet);
    uint16_t sum;

    if (cover > length)
        return 0;
    sum = sum_bytes(packet->data + packet->l4_offset, cover);
    if (!kind->pseudo)
        return sum;
    /* UDP's own length is what its pseudo-header has; it is the smaller one. */
    return sum_add(sum, fixup_pseudo_sum(packet, packet->proto == IPPROTO_UDP ? cover : length));
}

static bool is_l4_damaged(const struct packet *packet, const struct checksum_kind *kind)
{
    const uint8_t *field = packet->data + packet->l4_offset + kind->place;

    if ((packet->flags & PACKET_PARTIAL_CHECKSUM) != 0)
        return false;
    if (kind->zero_is_none && be16_load(field) == 0)
        return false;
    if (kind->pseudo && (packet->flags & (PACKET_SOURCE_ROUTED | PACKET_HOME_ADDRESS)) != 0)
        return false;
    return !checksum_holds(l4_sum(packet, kind));
}

static bool is_sctp_damaged(const struct packet *packet)
{
    const uint8_t *header = packet->data + packet->l4_offset;
    const uint8_t no_checksum[4] = {0};
    uint32_t stored = le32_load(header + SCTP_CHECKSUM);
    uint32_t crc = crc32c(header, SCTP_CHECKSUM);

    crc = crc32c_extend(crc, no_checksum, sizeof(no_checksum));
    crc =
        crc32c_extend(crc, header + SCTP_HEADER, packet->length - packet->l4_offset - SCTP_HEADER);
    return stored != 0 && stored != crc;
}

static bool is_ip_header_damaged(const struct packet *packet)
{
    return packet->family == FAMILY_IPV4 &&
           !checksum_holds(sum_bytes(packet->data, ip4_header_length(packet->data)));
}

bool fixup_is_damaged(const struct packet *packet)
{
    const struct checksum_kind *kind = kind_of(packet);

    if (is_ip_header_damaged(packet))
        return true;
    if ((packet->flags & PACKET_FRAGMENT) != 0 || (packet->flags & PACKET_HAS_L4) == 0)
        return false;
    if (packet->proto == IPPROTO_SCTP)
        return is_sctp_damaged(packet);
    return kind != NULL && is_l4_damaged(packet, kind);
}

void fixup_complete(struct packet *packet)
{
    const struct checksum_kind *kind = kind_of(packet);
    size_t length = packet->length - packet->l4_offset;
    uint8_t *field;
    uint16_t checksum;

    if ((packet->flags & PACKET_PARTIAL_CHECKSUM) == 0)
        return;
    field = packet->data + packet->l4_offset + kind->place;
    checksum = checksum_from_sum(sum_bytes(packet->data + packet->l4_offset, length));
    be16_store(field, kind->zero_is_none && checksum == 0 ? 0xffff : checksum);
    packet->flags &= (uint16_t)~PACKET_PARTIAL_CHECKSUM;
    packet->vnet.flags &= (uint8_t)~VNET_NEEDS_CSUM;
}

void fixup_fill_ip_header(struct packet *packet)
{
    if (packet->family != FAMILY_IPV4)
        return;
    be16_store(packet->data + IP4_CHECKSUM, 0);
    be16_store(packet->data + IP4_CHECKSUM,
               checksum_from_sum(sum_bytes(packet->data, ip4_header_length(packet->data))));
}

void fixup_fill_l4(struct packet *packet)
{
    const struct checksum_kind *kind = kind_of(packet);
    uint8_t *field;

    assert(kind != NULL && !kind->zero_is_none);
    field = packet->data + packet->l4_offset + kind->place;
    be16_store(field, 0);
    be16_store(field, checksum_from_sum(l4_sum(packet, kind)));
}
