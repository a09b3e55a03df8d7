/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When no answer may be made: RFC 1122 3.2.2, RFC 1812 4.3.2.7, RFC 4443 2.4 (e), RFC 9293 3.5.2.
 */
#include "answerer.h"

#include "fixup.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/tcp.h"

#include <netinet/in.h>
#include <string.h>

/* Unspecified or "this network" (0.0.0.0/8), or loopback. */
static bool is_nobody(enum ip_family family, const uint8_t *addr)
{
    static const uint8_t zeros[15];

    if (family == FAMILY_IPV4)
        return addr[0] == 0 || addr[0] == 127;
    return memcmp(addr, zeros, sizeof(zeros)) == 0 && addr[15] <= 1;
}

static bool is_multicast(enum ip_family family, const uint8_t *addr)
{
    return family == FAMILY_IPV4 ? addr[0] >> 4 == 0xe : addr[0] == 0xff;
}

/* 240.0.0.0/4, the limited broadcast included; never a source, and no other family has it. */
static bool is_class_e(enum ip_family family, const uint8_t *addr)
{
    return family == FAMILY_IPV4 && addr[0] >> 4 == 0xf;
}

static bool is_limited_broadcast(enum ip_family family, const uint8_t *addr)
{
    static const uint8_t ones[4] = {0xff, 0xff, 0xff, 0xff};

    return family == FAMILY_IPV4 && memcmp(addr, ones, sizeof(ones)) == 0;
}

static bool is_single_source(const struct host_view *view, enum ip_family family,
                             const uint8_t *addr)
{
    return !is_nobody(family, addr) && !is_multicast(family, addr) && !is_class_e(family, addr) &&
           !host_view_is_broadcast(view, family, addr);
}

static bool is_single_destination(const struct host_view *view, enum ip_family family,
                                  const uint8_t *addr)
{
    return !is_nobody(family, addr) && !is_multicast(family, addr) &&
           !is_limited_broadcast(family, addr) && !host_view_is_broadcast(view, family, addr);
}

/* An answer to what is routed to tun0 would come back to us instead of reaching anybody. */
static bool is_behind_tun(const struct host_view *view, enum ip_family family, const uint8_t *addr)
{
    return (host_view_is_tun_prefix(view, family, addr) || host_view_is_loop(view, family, addr)) &&
           !host_view_is_local(view, family, addr);
}

bool answer_allowed(const struct host_view *view, const struct packet *asked)
{
    enum ip_family family = asked->family;

    return is_single_source(view, family, packet_src(asked)) &&
           is_single_destination(view, family, packet_dst(asked)) &&
           !is_behind_tun(view, family, packet_src(asked)) && !fixup_is_damaged(asked);
}

static bool is_icmp_proto(const struct packet *asked)
{
    return asked->proto == (asked->family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static bool is_icmp_error(enum ip_family family, uint8_t type)
{
    if (family == FAMILY_IPV6)
        return type < ICMP6_INFORMATIONAL || type == ICMP6_REDIRECT;
    return type == ICMP4_UNREACHABLE || type == ICMP4_SOURCE_QUENCH || type == ICMP4_REDIRECT ||
           type == ICMP4_TIME_EXCEEDED || type == ICMP4_PARAMETER_PROBLEM;
}

/*
 * Nothing about an error, nor about what might be one: ICMP whose header is not here. A later
 * fragment is never answered (RFC 1122 3.2.2); over IPv6 neither, because it might be of an error.
 */
bool answer_allowed_error(const struct packet *asked)
{
    if ((asked->flags & PACKET_LATER_FRAGMENT) != 0)
        return false;
    if (!is_icmp_proto(asked))
        return true;
    return packet_is_icmp(asked) && !is_icmp_error(asked->family, packet_icmp_type(asked));
}

/* Of these no program would get an answer: parts, and those whose addresses are of the way alone.
 */
static bool is_on_the_way(const struct packet *asked)
{
    return (asked->flags & (PACKET_FRAGMENT | PACKET_SOURCE_ROUTED | PACKET_HOME_ADDRESS)) != 0;
}

/*
 * A reset acknowledges all of the segment, so a fragment, whose segment's length is unknown, gets
 * none; nor does what is only passing a stop of its source route, or comes from a mobile node,
 * whose connection is with its home address.
 */
bool answer_allowed_reset(const struct packet *asked)
{
    return packet_is_tcp(asked) && !is_on_the_way(asked) &&
           (packet_tcp_flags(asked) & TCP_FLAG_RST) == 0;
}

bool answer_allowed_echo(const struct packet *asked)
{
    uint8_t request = asked->family == FAMILY_IPV4 ? (uint8_t)ICMP4_ECHO_REQUEST
                                                   : (uint8_t)ICMP6_ECHO_REQUEST;

    return packet_is_icmp(asked) && !is_on_the_way(asked) && packet_icmp_type(asked) == request;
}
