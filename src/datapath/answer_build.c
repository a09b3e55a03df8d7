/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of answers: TCP resets, echo replies, ICMP errors with their quote. */
#include "answerer.h"

#include "fixup.h"
#include "ipmodd/base/macro.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "ipmodd/wire/tcp.h"
#include "parse.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

enum {
    /* Length of an ICMP error at most: RFC 1812 4.3.2.3; RFC 4443 2.4 (c), IPv6's least MTU. */
    ERROR_MAX_IP4 = 576,
    ERROR_MAX_IP6 = 1280,
    /* Precedence of ICMP errors: internetwork control (RFC 1812 4.3.2.5). */
    ERROR_TOS_IP4 = 0xc0,
    DSCP_MASK = 0xfc, /* of a TOS byte; the rest is ECN, which answers do not take part in */
};

/*
 * What the IP header of an answer has besides addresses and lengths. Resets and errors are small
 * and sent as atomic datagrams, whose ID means nothing (RFC 6864 4.1).
 */
struct header_values {
    uint8_t proto;
    uint8_t tos;
    uint16_t id;       /* IPv4 */
    uint16_t fragment; /* IPv4 flags */
};

static void put_ip4_header(struct packet *answer, const struct packet *asked,
                           const struct header_values *values)
{
    uint8_t *header = answer->data;

    memset(header, 0, IP4_HEADER_MIN);
    header[IP4_VERSION_IHL] = 4 << 4 | IP4_HEADER_MIN / 4;
    header[IP4_TOS] = values->tos;
    be16_store(header + IP4_TOTAL_LENGTH, (uint16_t)answer->length);
    be16_store(header + IP4_ID, values->id);
    be16_store(header + IP4_FRAGMENT, values->fragment);
    header[IP4_TTL] = ANSWER_TTL;
    header[IP4_PROTO] = values->proto;
    memcpy(header + IP4_SRC, packet_dst(asked), 4);
    memcpy(header + IP4_DST, packet_src(asked), 4);
}

static void put_ip6_header(struct packet *answer, const struct packet *asked,
                           const struct header_values *values)
{
    uint8_t *header = answer->data;

    memset(header, 0, IP6_HEADER);
    header[IP6_VERSION_CLASS] = 6 << 4;
    ip6_set_traffic_class(header, values->tos);
    be16_store(header + IP6_PAYLOAD_LENGTH, (uint16_t)(answer->length - IP6_HEADER));
    header[IP6_NEXT_HEADER] = values->proto;
    header[IP6_HOP_LIMIT] = ANSWER_TTL;
    memcpy(header + IP6_SRC, packet_dst(asked), 16);
    memcpy(header + IP6_DST, packet_src(asked), 16);
}

static size_t header_size(const struct packet *asked)
{
    return asked->family == FAMILY_IPV4 ? IP4_HEADER_MIN : IP6_HEADER;
}

/*
 * Gives ANSWER an IP header in front of BODY bytes, which the caller wrote behind it, and has
 * everything about it found out as for any other packet.
 */
static void put_header(struct packet *answer, const struct packet *asked, size_t body,
                       const struct header_values *values)
{
    enum reason fault;

    answer->length = header_size(asked) + body;
    if (asked->family == FAMILY_IPV4)
        put_ip4_header(answer, asked, values);
    else
        put_ip6_header(answer, asked, values);
    fault = parse_packet(answer);
    assert(fault == REASON_NONE);
    (void)fault;
    fixup_fill_ip_header(answer);
    answer->fate = FATE_OUT;
}

/* Sequence numbers that the segment takes: data, and one each for SYN and FIN (RFC 9293 3.4). */
static uint32_t segment_length(const struct packet *asked)
{
    uint8_t flags = packet_tcp_flags(asked);
    size_t length = asked->length - asked->payload_offset;

    return (uint32_t)(length + ((flags & TCP_FLAG_SYN) != 0) + ((flags & TCP_FLAG_FIN) != 0));
}

/* RFC 9293 3.5.2: as if the connection did not exist. */
void answer_build_reset(struct packet *answer, const struct packet *asked)
{
    const uint8_t *segment = asked->data + asked->l4_offset;
    uint8_t *reset = answer->data + header_size(asked);

    memset(reset, 0, TCP_HEADER_MIN);
    be16_store(reset + TCP_SPORT, packet_dport(asked));
    be16_store(reset + TCP_DPORT, packet_sport(asked));
    reset[TCP_DATA_OFFSET] = TCP_HEADER_MIN / 4 << 4;
    if ((packet_tcp_flags(asked) & TCP_FLAG_ACK) != 0) {
        memcpy(reset + TCP_SEQ, segment + TCP_ACK, 4);
        reset[TCP_FLAGS] = TCP_FLAG_RST;
    } else {
        be32_store(reset + TCP_ACK, be32_load(segment + TCP_SEQ) + segment_length(asked));
        reset[TCP_FLAGS] = TCP_FLAG_RST | TCP_FLAG_ACK;
    }
    put_header(answer, asked, TCP_HEADER_MIN,
               &(struct header_values){.proto = IPPROTO_TCP, .fragment = IP4_DF});
    fixup_fill_l4(answer);
}

/*
 * The message comes back as it is but for its type (RFC 792, RFC 4443 4.2), with the request's DSCP
 * as hosts have it. The reply is no larger than the request, so it keeps the ID and DF that got the
 * request through.
 */
void answer_build_echo(struct packet *answer, const struct packet *asked)
{
    uint8_t *reply = answer->data + header_size(asked);
    size_t length = asked->length - asked->l4_offset;
    struct header_values values = {.proto = asked->proto, .tos = packet_tos(asked) & DSCP_MASK};

    memcpy(reply, asked->data + asked->l4_offset, length);
    reply[ICMP_MSG_TYPE] = asked->family == FAMILY_IPV4 ? (uint8_t)ICMP4_ECHO_REPLY
                                                        : (uint8_t)ICMP6_ECHO_REPLY;
    if (asked->family == FAMILY_IPV4) {
        values.id = be16_load(asked->data + IP4_ID);
        values.fragment = be16_load(asked->data + IP4_FRAGMENT) & IP4_DF;
    }
    put_header(answer, asked, length, &values);
    fixup_fill_l4(answer);
}

/* As much of the packet as fits is quoted (RFC 1812 4.3.2.3, RFC 4443 3.1). */
void answer_build_error(struct packet *answer, const struct packet *asked, uint8_t code)
{
    bool is_ip4 = asked->family == FAMILY_IPV4;
    size_t before = header_size(asked) + ICMP_MSG_HEADER;
    size_t room = (is_ip4 ? (size_t)ERROR_MAX_IP4 : (size_t)ERROR_MAX_IP6) - before;
    size_t quote = MIN_OF(asked->length, room);
    uint8_t *error = answer->data + header_size(asked);

    memset(error, 0, ICMP_MSG_HEADER);
    error[ICMP_MSG_TYPE] = is_ip4 ? (uint8_t)ICMP4_UNREACHABLE : (uint8_t)ICMP6_UNREACHABLE;
    error[ICMP_MSG_CODE] = code;
    memcpy(error + ICMP_MSG_HEADER, asked->data, quote);
    put_header(answer, asked, ICMP_MSG_HEADER + quote,
               &(struct header_values){.proto = is_ip4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
                                       .tos = is_ip4 ? ERROR_TOS_IP4 : 0,
                                       .fragment = IP4_DF});
    fixup_fill_l4(answer);
}
