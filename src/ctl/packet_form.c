/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a form to the bytes of a packet. */
#include "packet_form.h"

#include "ipmodd/wire/checksum.h"
#include "ipmodd/wire/crc32c.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "ipmodd/wire/option.h"
#include "ipmodd/wire/sctp.h"
#include "ipmodd/wire/tcp.h"
#include "ipmodd/wire/udp.h"

#include <netinet/in.h>
#include <string.h>

enum { MSS_OPTION = 4 };

bool packet_form_has_ports(uint8_t proto)
{
    return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ||
           proto == IPPROTO_SCTP || proto == IPPROTO_DCCP;
}

bool packet_form_is_icmp(uint8_t proto, enum ip_family family)
{
    return proto == (family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static size_t ip_header(const struct packet_form *form)
{
    return form->src.family == FAMILY_IPV4 ? (size_t)IP4_HEADER_MIN : (size_t)IP6_HEADER;
}

static size_t l4_header(const struct packet_form *form)
{
    if (packet_form_is_icmp(form->proto, form->src.family))
        return ICMP_MSG_HEADER;
    switch (form->proto) {
    case IPPROTO_TCP:
        return TCP_HEADER_MIN + (form->mss != 0 ? (size_t)MSS_OPTION : 0);
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
        return UDP_HEADER;
    case IPPROTO_SCTP:
        return SCTP_HEADER;
    case IPPROTO_DCCP:
        return DCCP_HEADER_MIN;
    default:
        return 0;
    }
}

size_t packet_form_headers(const struct packet_form *form)
{
    return ip_header(form) + l4_header(form);
}

static void put_ip4(const struct packet_form *form, uint8_t *header, size_t length)
{
    header[IP4_VERSION_IHL] = 4 << 4 | IP4_HEADER_MIN / 4;
    header[IP4_TOS] = (uint8_t)(form->dscp << 2 | form->ecn);
    be16_store(header + IP4_TOTAL_LENGTH, (uint16_t)length);
    be16_store(header + IP4_ID, form->ip_id);
    be16_store(header + IP4_FRAGMENT, form->df ? IP4_DF : 0);
    header[IP4_TTL] = form->ttl;
    header[IP4_PROTO] = form->proto;
    memcpy(header + IP4_SRC, form->src.bytes, 4);
    memcpy(header + IP4_DST, form->dst.bytes, 4);
    be16_store(header + IP4_CHECKSUM, checksum_from_sum(sum_bytes(header, IP4_HEADER_MIN)));
}

static void put_ip6(const struct packet_form *form, uint8_t *header, size_t length)
{
    be32_store(header + IP6_VERSION_CLASS, UINT32_C(6) << 28 | form->flow_label);
    ip6_set_traffic_class(header, (uint8_t)(form->dscp << 2 | form->ecn));
    be16_store(header + IP6_PAYLOAD_LENGTH, (uint16_t)(length - IP6_HEADER));
    header[IP6_NEXT_HEADER] = form->proto;
    header[IP6_HOP_LIMIT] = form->ttl;
    memcpy(header + IP6_SRC, form->src.bytes, 16);
    memcpy(header + IP6_DST, form->dst.bytes, 16);
}

static void put_tcp(const struct packet_form *form, uint8_t *header)
{
    be32_store(header + TCP_SEQ, form->seq);
    be32_store(header + TCP_ACK, form->ack);
    header[TCP_DATA_OFFSET] = (uint8_t)(l4_header(form) / 4 << 4);
    header[TCP_FLAGS] = form->tcp_flags;
    be16_store(header + TCP_WINDOW, form->window);
    if (form->mss == 0)
        return;
    header[TCP_HEADER_MIN] = TCP_OPTION_MSS;
    header[TCP_HEADER_MIN + 1] = MSS_OPTION;
    be16_store(header + TCP_HEADER_MIN + OPTION_HEADER, form->mss);
}

/* All but the checksum; LENGTH is that of header and payload. */
static void put_l4(const struct packet_form *form, uint8_t *header, size_t length)
{
    if (packet_form_has_ports(form->proto)) {
        be16_store(header + UDP_SPORT, form->sport);
        be16_store(header + UDP_DPORT, form->dport);
    }
    if (packet_form_is_icmp(form->proto, form->src.family)) {
        header[ICMP_MSG_TYPE] = form->icmp_type;
        header[ICMP_MSG_CODE] = form->icmp_code;
    } else if (form->proto == IPPROTO_TCP) {
        put_tcp(form, header);
    } else if (form->proto == IPPROTO_UDP) {
        be16_store(header + UDP_LENGTH, (uint16_t)length);
    } else if (form->proto == IPPROTO_DCCP) {
        header[DCCP_DATA_OFFSET] = DCCP_HEADER_MIN / 4;
    }
}

/* Of header and payload and, but for ICMP over IPv4, of the pseudo-header. */
static uint16_t make_checksum(const struct packet_form *form, const uint8_t *header, size_t length)
{
    uint16_t sum = sum_bytes(header, length);

    if (form->src.family == FAMILY_IPV6)
        sum = sum_add(sum, sum_pseudo_ip6(form->src.bytes, form->dst.bytes, form->proto, length));
    else if (form->proto != IPPROTO_ICMP)
        sum = sum_add(sum, sum_pseudo_ip4(form->src.bytes, form->dst.bytes, form->proto, length));
    return checksum_from_sum(sum);
}

static void seal(const struct packet_form *form, uint8_t *header, size_t length)
{
    uint16_t checksum;

    if (form->proto == IPPROTO_SCTP) {
        le32_store(header + SCTP_CHECKSUM, crc32c(header, length));
        return;
    }
    if (l4_header(form) == 0)
        return;
    checksum = make_checksum(form, header, length);
    if (packet_form_is_icmp(form->proto, form->src.family))
        be16_store(header + ICMP_MSG_CHECKSUM, checksum);
    else if (form->proto == IPPROTO_TCP)
        be16_store(header + TCP_CHECKSUM, checksum);
    else if (form->proto == IPPROTO_DCCP)
        be16_store(header + UDP_CHECKSUM, checksum);
    else
        be16_store(header + UDP_CHECKSUM, checksum != 0 ? checksum : 0xffff);
}

size_t packet_form_build(const struct packet_form *form, uint8_t *bytes, size_t room)
{
    size_t least = packet_form_headers(form) + form->payload_length;
    size_t length = form->length != 0 ? form->length : least;
    uint8_t *header = bytes + ip_header(form);

    if (length < least || length > room)
        return 0;
    memset(bytes, 0, length);
    if (form->src.family == FAMILY_IPV4)
        put_ip4(form, bytes, length);
    else
        put_ip6(form, bytes, length);
    put_l4(form, header, length - ip_header(form));
    if (form->payload_length > 0)
        memcpy(header + l4_header(form), form->payload, form->payload_length);
    seal(form, header, length - ip_header(form));
    return length;
}
