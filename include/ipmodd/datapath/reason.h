/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a packet was not sent on: one name for each way, counted one by one.
 *
 * Every drop names one of these; there is no other way to drop. Names are part of the user
 * interface (statistics, journal) and keep their meaning from version to version.
 */
#ifndef IPMODD_DATAPATH_REASON_H
#define IPMODD_DATAPATH_REASON_H

enum reason {
    REASON_NONE, /* not dropped */
    /* parse: what the bytes have wrong (`malformed = drop` drops these) */
    REASON_EMPTY,                /* no byte at all */
    REASON_BAD_VERSION,          /* first nibble neither 4 nor 6 */
    REASON_TRUNCATED_IP_HEADER,  /* fewer bytes than the fixed IP header */
    REASON_BAD_IP_HEADER_LENGTH, /* IHL below 5 or beyond the packet (RFC 791 3.1) */
    REASON_BAD_IP_TOTAL_LENGTH,  /* total or payload length below the header or beyond the packet */
    REASON_BAD_IP_OPTION,        /* option length below 2 or beyond the header (RFC 791 3.1) */
    REASON_BAD_EXTENSION_HEADER, /* runs past the packet, or hop-by-hop options not first (RFC 8200
                                    4, 4.1; RFC 7112 5) */
    REASON_TOO_MANY_EXTENSION_HEADERS,
    REASON_BAD_FRAGMENT,          /* fragment length not a multiple of 8, or reaching past 65,535 */
    REASON_TRUNCATED_L4_HEADER,   /* upper-layer header not whole in an unfragmented packet */
    REASON_BAD_TCP_HEADER_LENGTH, /* data offset below 5 or beyond the segment (RFC 9293 3.1) */
    REASON_BAD_TCP_OPTION,        /* option length below 2 or beyond the header */
    REASON_BAD_DCCP_HEADER_LENGTH, /* data offset below the header or beyond it (RFC 4340 5.1) */
    REASON_BAD_UDP_LENGTH, /* below 8 or beyond the datagram (RFC 768); UDP-Lite: coverage (RFC 3828
                              3.1) */
    REASON_BAD_OFFLOAD,    /* the virtio-net header in front contradicts the packet */
    /* fragments: what would let a datagram evade a rule that reads the upper layer (fragments.h) */
    REASON_TINY_FRAGMENT,         /* a first fragment that ends within its upper-layer header */
    REASON_OVERLAPPING_FRAGMENT,  /* of what the first fragment holds already */
    REASON_FRAGMENT_BEFORE_FIRST, /* a later fragment that cannot be judged without its first one,
                                     and for which there was no room to wait for it */
    REASON_FRAGMENT_TIMEOUT,      /* one that has waited, and its first one did not come */
    /* decided */
    REASON_RULE,           /* a rule's `verdict = drop` */
    REASON_POLICY,         /* no rule decided and `policy = drop` */
    REASON_REJECTED,       /* `verdict = reject`, and an answer was sent */
    REASON_REJECT_SILENT,  /* `verdict = reject`, but RFC 1122, 1812 or 4443 forbid an answer */
    REASON_REJECT_LIMITED, /* `verdict = reject`, but the answers' token bucket is empty */
    REASON_ANSWERED,       /* `reply = …`: the forged answer took its place */
    REASON_OWN_PREFIX,     /* towards tun0's own prefix: the kernel would route it to tun0 again */
    REASON_LOOP,           /* towards what somebody routes to tun0: it would come round again */
    /* translation (translation.h) */
    REASON_NAT_EXHAUSTED,  /* no external port or no room is left for a new flow */
    REASON_NAT_LIMIT,      /* the source has what `nat-ports` or `nat-flows` allow */
    REASON_NAT_NO_SOURCE,  /* `masquerade` or `redirect`: this host has no address on that way */
    REASON_NAT_FILTERED,   /* to a mapping, from somebody whom `nat-filtering` keeps out */
    REASON_NAT_RESET_HELD, /* this host's to a SYN from outside, before `nat-refuse-after` */
    REASON_UNTRANSLATABLE, /* of no flow, an SCTP fragment whose port would have to change, or
                              a fragment of an ICMP error */
    /* input and output */
    REASON_HAND_OVER_FULL, /* of a flow that another thread has, which does not keep up */
    REASON_TOO_LONG,       /* longer than the buffer of a packet */
    REASON_WRITE_FAILED,   /* the tun device refused it */
    REASON_COUNT,
};

/* The last reason that parse gives; the ones up to it obey `malformed`. */
#define REASON_LAST_MALFORMED REASON_BAD_OFFLOAD

/* "bad-tcp-option"; never NULL for a value below REASON_COUNT. */
const char *reason_name(enum reason reason);

#endif
