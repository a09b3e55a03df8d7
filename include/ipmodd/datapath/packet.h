/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One IP packet on its way through the pipeline.
 *
 * A packet is a run of bytes that somebody else owns (the batch, a test, a fuzzer) plus what
 * parse.c found out about them, kept as offsets from the first byte of the IP header: no pointer
 * into the bytes is ever stored. What parse.c says holds until the packet is given up: edits change
 * values, never lengths or offsets.
 *
 * A packet may be a super-packet: what the kernel will cut into several wire packets (`segments`),
 * each with a copy of its headers. Edits act on all of them at once. Its checksum, and that of many
 * a single packet of this host, is partial (wire/virtio_net.h). offload.c in src/datapath finds
 * both out.
 *
 * A later fragment holds no upper-layer header. What its first one had stands beside it (its
 * shadow, see fragments.h in src/datapath): accessors read it and setters change it as if it were
 * the packet's own, so that rules treat all fragments of a datagram alike, and no byte of it is
 * sent.
 *
 * Reading goes through the accessors below, which are valid for every packet that parse.c accepted
 * and say in their comment what else they need; those that are asked of nearly every packet are
 * inline. Writing goes through edit.h, which keeps the books that fixup.c needs to repair checksums
 * by difference.
 */
#ifndef IPMODD_DATAPATH_PACKET_H
#define IPMODD_DATAPATH_PACKET_H

#include "ipmodd/base/addr.h"
#include "ipmodd/base/config.h"
#include "ipmodd/datapath/reason.h"
#include "ipmodd/wire/icmp.h"
#include "ipmodd/wire/ip4.h"
#include "ipmodd/wire/ip6.h"
#include "ipmodd/wire/tcp.h"
#include "ipmodd/wire/udp.h"
#include "ipmodd/wire/virtio_net.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum packet_flag {
    PACKET_HAS_IP = 1u << 0,   /* the fixed IP header is whole, and its length field is right */
    PACKET_FRAGMENT = 1u << 1, /* one part of a larger datagram, the first or a later one */
    PACKET_LATER_FRAGMENT = 1u << 2, /* a part other than the first: holds no upper-layer header */
    PACKET_HAS_L4 = 1u << 3,        /* the upper-layer header of `proto` is whole and was checked */
    PACKET_SOURCE_ROUTED = 1u << 4, /* the destination is a stop on the way (see delta.pseudo) */
    PACKET_EDITED = 1u << 5,        /* a setter changed a byte */
    PACKET_PARTIAL_CHECKSUM = 1u << 6, /* the upper-layer checksum is left to the kernel */
    PACKET_TINY_FRAGMENT = 1u << 7, /* a first fragment that ends within its upper-layer header */
    PACKET_ORPHAN = 1u << 8,        /* a later fragment whose first one is not known */
    PACKET_TTL_RESTORED = 1u << 9,  /* it was addressed to this host when it was read, and has the
                                       TTL of the wire again */
    PACKET_GATHERED = 1u << 10,     /* a fragment that has been where those of its datagram meet */
    PACKET_WAITED = 1u << 11,       /* a later fragment that had been parked */
    PACKET_HOME_ADDRESS = 1u << 12, /* the source is a care-of address (see delta.pseudo) */
};

/* The upper-layer header of a first fragment as far as rules can read it: a TCP header at most. */
enum { L4_SHADOW_MAX = 60 };
struct l4_shadow {
    uint8_t length; /* 0: a protocol whose header no rule reads */
    uint8_t bytes[L4_SHADOW_MAX];
};

/* What a packet is to the flows of the table; names as nft's and conntrack's. */
enum relation {
    RELATION_NEW,         /* of a flow that nobody has answered yet */
    RELATION_ESTABLISHED, /* of one that has been answered, or an answer itself */
    RELATION_RELATED,     /* an ICMP error about a packet of a flow */
    RELATION_INVALID,     /* of none, and it can begin none */
    RELATION_COUNT,
};

enum flow_way {
    FLOW_ORIGINAL, /* as the packet that made the flow */
    FLOW_REPLY,
    FLOW_WAYS,
};

/* What becomes of a packet. */
enum fate {
    FATE_PENDING, /* not decided yet */
    FATE_OUT,     /* to be written */
    FATE_DROP,    /* not to be written; `reason` says why */
    FATE_SPLIT,   /* in its place go its segments, which have fates of their own */
    FATE_HANDED,  /* another path has it now; here it counts for nothing */
    FATE_PARKED,  /* a copy of it waits for its first fragment, and comes again with it */
    FATE_COUNT,
};

/* Differences that edits made, as wire/checksum.h defines them; see edit.h. */
struct checksum_delta {
    uint16_t ip_header; /* over the IPv4 header */
    uint16_t pseudo;    /* over the addresses, as far as a pseudo-header includes them: it has the
                           final destination, not the next stop of a source route (RFC 8200 8.1),
                           and the home address of a mobile node (RFC 6275 6.3) */
    uint16_t l4;        /* over the upper-layer header and payload */
    uint32_t sctp_crc;  /* what to XOR into the CRC of an SCTP packet that ends at */
    uint32_t sctp_end;  /* so many bytes from its start, behind the last change */
};

/* The two ends of a packet. */
enum packet_end {
    PACKET_SRC,
    PACKET_DST,
    PACKET_ENDS,
};

/* How a rule wants one of them translated; borrowed from the ruleset. See translation.h. */
struct translation_note {
    const struct translation *translation; /* NULL: not at all */
    uint32_t rule;                         /* its identity */
};

struct flow;
struct translation;

/*
 * In front, within one line of the processor's cache, what is asked of every packet; then what some
 * have. There is one of these for each packet of a batch and each segment of a super-packet, and it
 * is cleared for each: small is fast.
 */
struct packet {
    uint8_t *data; /* first byte of the IP header; borrowed */
    size_t length; /* bytes of the IP packet (parse trims what lies behind its total length) */
    struct l4_shadow *shadow; /* of a later fragment; borrowed from the path; NULL: none */
    struct virtio_net
        vnet; /* what the kernel said about it; all zero: nothing is left to be done */

    uint16_t flags; /* enum packet_flag */
    uint8_t proto;  /* upper-layer protocol, behind all extension headers (IPPROTO_*); of a later
                       IPv6 fragment that of its first one or, of an orphan, what its fragment
                       header names */
    enum ip_family family : 8;
    enum direction direction : 8;
    enum fate fate : 8;
    enum reason reason : 8; /* with FATE_DROP */
    enum flow_way way : 8;  /* in `flow`, and what is related to it goes */
    enum relation relation : 8;
    uint8_t shard; /* with FATE_HANDED: the number of that path */

    uint32_t segments;        /* wire packets that it stands for; more than 1: a super-packet */
    uint32_t l4_offset;       /* of the upper-layer header, or of a later fragment's data */
    uint32_t payload_offset;  /* behind the upper-layer header; = l4_offset without PACKET_HAS_L4 */
    uint32_t fragment_offset; /* of a fragment: where its data begin, behind the IPv4 header or the
                                 IPv6 fragment header */
    uint32_t first_segment;   /* with FATE_SPLIT: index among the segments of the batch */

    struct checksum_delta delta;
    struct packet *behind; /* what had waited for it and goes right behind it; NULL: nothing.
                              Borrowed from the path until its next batch */
    size_t capacity;       /* bytes that may be written from `data` on */

    /* While flows are looked at. */
    struct flow *flow;     /* NULL: of none, or there was no room for another */
    uint64_t flow_packets; /* of `flow`, both ways, up to and with this one */
    uint64_t flow_bytes;   /* the same; of all segments of a super-packet together */
    struct translation_note notes[PACKET_ENDS];
};

static_assert(offsetof(struct packet, delta) <= 64, "what is asked of every packet: one line");

/*
 * PACKET becomes the LENGTH bytes at DATA, which it borrows, as a path would understand them.
 * REASON_NONE, or what is wrong with them: then nothing may be asked about it but its length.
 */
enum reason packet_read(struct packet *packet, uint8_t *data, size_t length);

/* Bytes that it takes on the wire: of a super-packet those of all its segments. */
static inline size_t packet_wire_bytes(const struct packet *packet)
{
    return packet->length + (packet->segments - 1) * packet->payload_offset;
}

/* Addresses in wire order, 4 or 16 bytes by `family`. */
static inline const uint8_t *packet_src(const struct packet *packet)
{
    return packet->data + (packet->family == FAMILY_IPV4 ? IP4_SRC : IP6_SRC);
}

static inline const uint8_t *packet_dst(const struct packet *packet)
{
    return packet->data + (packet->family == FAMILY_IPV4 ? IP4_DST : IP6_DST);
}

/* TTL or hop limit. */
static inline uint8_t packet_ttl(const struct packet *packet)
{
    return packet->data[packet->family == FAMILY_IPV4 ? IP4_TTL : IP6_HOP_LIMIT];
}

/* The DS field and ECN together: IPv4 TOS, IPv6 traffic class (RFC 2474, RFC 3168). */
static inline uint8_t packet_tos(const struct packet *packet)
{
    return packet->family == FAMILY_IPV4 ? packet->data[IP4_TOS] : ip6_traffic_class(packet->data);
}

/* The don't-fragment bit and the identification; IPv4 alone. */
bool packet_df(const struct packet *packet);
uint16_t packet_ip_id(const struct packet *packet);

/* 20 bits; IPv6 alone. */
uint32_t packet_flow_label(const struct packet *packet);

/* With PACKET_FRAGMENT: the identification, and the place of its data in the datagram in bytes. */
uint32_t packet_fragment_id(const struct packet *packet);
size_t packet_fragment_place(const struct packet *packet);

/*
 * The upper-layer header that rules see: the packet's own or, of a later fragment, its shadow. Only
 * with packet_sees_l4(), which is false where there is none or `proto` is not known.
 */
static inline bool packet_sees_l4(const struct packet *packet)
{
    if (packet->shadow != NULL)
        return packet->shadow->length > 0;
    return (packet->flags & PACKET_HAS_L4) != 0;
}

static inline const uint8_t *packet_l4(const struct packet *packet)
{
    assert(packet_sees_l4(packet));
    return packet->shadow != NULL ? packet->shadow->bytes : packet->data + packet->l4_offset;
}

size_t packet_l4_length(const struct packet *packet);

/*
 * The payload: what is behind the upper-layer header, from payload_offset on; of UDP as far as its
 * length says. None is known of a later fragment, nor of a first one that does not hold the whole
 * header. The length only with packet_has_payload(); it may be 0.
 */
bool packet_has_payload(const struct packet *packet);
size_t packet_payload_length(const struct packet *packet);

/* Whether `proto` has ports and they are known (TCP, UDP, UDP-Lite, SCTP, DCCP). */
static inline bool packet_has_ports(const struct packet *packet)
{
    return packet_sees_l4(packet) &&
           (packet->proto == IPPROTO_TCP || packet->proto == IPPROTO_UDP ||
            packet->proto == IPPROTO_SCTP || packet->proto == IPPROTO_UDPLITE ||
            packet->proto == IPPROTO_DCCP);
}

/* Host order; only with packet_has_ports(). All protocols with ports have them in one place. */
static inline uint16_t packet_sport(const struct packet *packet)
{
    assert(packet_has_ports(packet));
    return be16_load(packet_l4(packet) + UDP_SPORT);
}

static inline uint16_t packet_dport(const struct packet *packet)
{
    assert(packet_has_ports(packet));
    return be16_load(packet_l4(packet) + UDP_DPORT);
}

/* Whether this is a TCP packet with its header known. */
static inline bool packet_is_tcp(const struct packet *packet)
{
    return packet_sees_l4(packet) && packet->proto == IPPROTO_TCP;
}

/* The eight flags CWR ECE URG ACK PSH RST SYN FIN (bit 7 … 0); only with packet_is_tcp(). */
static inline uint8_t packet_tcp_flags(const struct packet *packet)
{
    assert(packet_is_tcp(packet));
    return packet_l4(packet)[TCP_FLAGS];
}

/* The window field, unscaled; only with packet_is_tcp(). */
uint16_t packet_tcp_window(const struct packet *packet);

/* Whether this is an ICMP packet of its own family (ICMP in IPv4, ICMPv6 in IPv6) with its header
 * known. */
static inline bool packet_is_icmp(const struct packet *packet)
{
    return packet_sees_l4(packet) &&
           packet->proto == (packet->family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/* Only with packet_is_icmp(). */
static inline uint8_t packet_icmp_type(const struct packet *packet)
{
    assert(packet_is_icmp(packet));
    return packet_l4(packet)[ICMP_MSG_TYPE];
}

uint8_t packet_icmp_code(const struct packet *packet);

#endif
