/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Echo requests and what comes back for them. */
#include "ipmodd/wire/echo.h"

#include "ipmodd/wire/checksum.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"

#include <netinet/in.h>
#include <string.h>

enum { ECHO_ID = 4, ECHO_SEQ = 6 };

static void put_message(uint8_t *message, const struct echo_request *request)
{
    memset(message, 0, ICMP_MSG_HEADER);
    message[ICMP_MSG_TYPE] = request->src.family == FAMILY_IPV4 ? (uint8_t)ICMP4_ECHO_REQUEST
                                                                : (uint8_t)ICMP6_ECHO_REQUEST;
    be16_store(message + ECHO_ID, request->id);
    be16_store(message + ECHO_SEQ, request->seq);
    for (size_t i = 0; i < ECHO_DATA; i++)
        message[ICMP_MSG_HEADER + i] = (uint8_t)i;
}

static size_t build_ip4(const struct echo_request *request, uint8_t *header)
{
    size_t length = ICMP_MSG_HEADER + ECHO_DATA;
    uint8_t *message = header + IP4_HEADER_MIN;

    memset(header, 0, IP4_HEADER_MIN);
    header[IP4_VERSION_IHL] = 4 << 4 | IP4_HEADER_MIN / 4;
    be16_store(header + IP4_TOTAL_LENGTH, (uint16_t)(IP4_HEADER_MIN + length));
    be16_store(header + IP4_FRAGMENT, IP4_DF); /* so that the ID means nothing (RFC 6864 4.1) */
    header[IP4_TTL] = request->ttl;
    header[IP4_PROTO] = IPPROTO_ICMP;
    memcpy(header + IP4_SRC, request->src.bytes, 4);
    memcpy(header + IP4_DST, request->dst.bytes, 4);
    be16_store(header + IP4_CHECKSUM, checksum_from_sum(sum_bytes(header, IP4_HEADER_MIN)));
    put_message(message, request);
    be16_store(message + ICMP_MSG_CHECKSUM, checksum_from_sum(sum_bytes(message, length)));
    return IP4_HEADER_MIN + length;
}

static size_t build_ip6(const struct echo_request *request, uint8_t *header)
{
    size_t length = ICMP_MSG_HEADER + ECHO_DATA;
    uint8_t *message = header + IP6_HEADER;
    uint16_t sum;

    memset(header, 0, IP6_HEADER);
    header[IP6_VERSION_CLASS] = 6 << 4;
    be16_store(header + IP6_PAYLOAD_LENGTH, (uint16_t)length);
    header[IP6_NEXT_HEADER] = IPPROTO_ICMPV6;
    header[IP6_HOP_LIMIT] = request->ttl;
    memcpy(header + IP6_SRC, request->src.bytes, 16);
    memcpy(header + IP6_DST, request->dst.bytes, 16);
    put_message(message, request);
    sum = sum_pseudo_ip6(header + IP6_SRC, header + IP6_DST, IPPROTO_ICMPV6, length);
    sum = sum_add(sum, sum_bytes(message, length));
    be16_store(message + ICMP_MSG_CHECKSUM, checksum_from_sum(sum));
    return IP6_HEADER + length;
}

size_t echo_build(const struct echo_request *request, uint8_t bytes[static ECHO_SIZE])
{
    return request->src.family == FAMILY_IPV4 ? build_ip4(request, bytes)
                                              : build_ip6(request, bytes);
}

/* An IP header as far as it matters here. */
struct envelope {
    struct ip_addr src, dst;
    uint8_t ttl;
    const uint8_t *message; /* ICMP */
    size_t size;            /* bytes of it that are there */
};

static bool open_ip4(const uint8_t *header, size_t length, struct envelope *ret)
{
    size_t size;

    if (length < IP4_HEADER_MIN || ip4_header_length(header) < IP4_HEADER_MIN)
        return false;
    size = ip4_header_length(header);
    if (length < size || header[IP4_PROTO] != IPPROTO_ICMP || ip4_fragment_offset(header) != 0)
        return false;
    *ret = (struct envelope){
        .src = ip_addr_from_bytes(FAMILY_IPV4, header + IP4_SRC),
        .dst = ip_addr_from_bytes(FAMILY_IPV4, header + IP4_DST),
        .ttl = header[IP4_TTL],
        .message = header + size,
        .size = length - size,
    };
    return true;
}

static bool open_ip6(const uint8_t *header, size_t length, struct envelope *ret)
{
    if (length < IP6_HEADER || header[IP6_NEXT_HEADER] != IPPROTO_ICMPV6)
        return false;
    *ret = (struct envelope){
        .src = ip_addr_from_bytes(FAMILY_IPV6, header + IP6_SRC),
        .dst = ip_addr_from_bytes(FAMILY_IPV6, header + IP6_DST),
        .ttl = header[IP6_HOP_LIMIT],
        .message = header + IP6_HEADER,
        .size = length - IP6_HEADER,
    };
    return true;
}

/* False unless it is ICMP with a whole header behind it. */
static bool open_envelope(const uint8_t *bytes, size_t length, struct envelope *ret)
{
    unsigned version = length > 0 ? bytes[0] >> 4 : 0;
    bool is_open = (version == 4 && open_ip4(bytes, length, ret)) ||
                   (version == 6 && open_ip6(bytes, length, ret));

    return is_open && ret->size >= ICMP_MSG_HEADER;
}

static bool is_error(enum ip_family family, uint8_t type)
{
    if (family == FAMILY_IPV6)
        return type < ICMP6_INFORMATIONAL;
    return type == ICMP4_UNREACHABLE || type == ICMP4_SOURCE_QUENCH || type == ICMP4_REDIRECT ||
           type == ICMP4_TIME_EXCEEDED || type == ICMP4_PARAMETER_PROBLEM;
}

/* What ENVELOPE quotes, if that is an echo request of the same family. */
static bool open_quote(const struct envelope *envelope, struct envelope *ret)
{
    enum ip_family family = envelope->src.family;
    uint8_t request = family == FAMILY_IPV4 ? (uint8_t)ICMP4_ECHO_REQUEST
                                            : (uint8_t)ICMP6_ECHO_REQUEST;

    return open_envelope(envelope->message + ICMP_MSG_HEADER, envelope->size - ICMP_MSG_HEADER,
                         ret) &&
           ret->src.family == family && ret->message[ICMP_MSG_TYPE] == request;
}

enum echo_kind echo_read(const uint8_t *bytes, size_t length, struct echo_answer *ret_answer)
{
    struct envelope envelope, quote;
    const uint8_t *echo;
    uint8_t type;
    bool is_reply;

    if (!open_envelope(bytes, length, &envelope))
        return ECHO_NONE;
    type = envelope.message[ICMP_MSG_TYPE];
    is_reply = type == (envelope.src.family == FAMILY_IPV4 ? (uint8_t)ICMP4_ECHO_REPLY
                                                           : (uint8_t)ICMP6_ECHO_REPLY);
    if (!is_reply && (!is_error(envelope.src.family, type) || !open_quote(&envelope, &quote)))
        return ECHO_NONE;
    echo = is_reply ? envelope.message : quote.message;
    *ret_answer = (struct echo_answer){
        .from = envelope.src,
        .to = envelope.dst,
        .ttl = envelope.ttl,
        .type = type,
        .code = envelope.message[ICMP_MSG_CODE],
        .id = be16_load(echo + ECHO_ID),
        .seq = be16_load(echo + ECHO_SEQ),
        .asked = is_reply ? envelope.src : quote.dst,
    };
    return is_reply ? ECHO_REPLY : ECHO_ERROR;
}
