/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the packet path must know of the host: one immutable snapshot.
 *
 * kernel/ computes it from its caches, daemon/ hands it to the packet path and lets go of the one
 * it replaces once no packet is being worked on; `ipmodctl replay` and tests make their own.
 * Look-ups cost a binary search and no allocation. References belong to one thread, that which
 * computes and publishes; others only read.
 *
 * It answers five questions: is this address ours (for `direction`, and for whether the kernel
 * will take one off the TTL), is it a broadcast address (RFC 1122 3.2.2: no errors about those),
 * is it routed to tun0 (as part of its own prefix, or by a route of somebody's: neither must ever
 * be written back, it would come round again), how large may a packet to it be (`clamp-mss =
 * pmtu`), and which source has a packet to it that is masqueraded.
 */
#ifndef IPMODD_BASE_HOST_VIEW_H
#define IPMODD_BASE_HOST_VIEW_H

#include "ipmodd/base/addr.h"
#include "ipmodd/base/route_span.h"

enum { IP4_LOOPBACK_NET = 127 }; /* first byte of its addresses */

/* An address of ours that a masqueraded packet can have as its source. */
struct host_source {
    struct ip_addr addr;
    struct ip_prefix subnet; /* what is on the link with it; of the peer where there is one */
    uint32_t ifindex;
    bool deprecated;      /* IPv6 (RFC 4862 5.5.4) */
    bool temporary;       /* IPv6 (RFC 8981) */
    bool wants_temporary; /* its device prefers temporary addresses (use_tempaddr) */
};

/* Where a route leads. */
struct host_egress {
    uint32_t ifindex; /* 0: nowhere that a packet could leave the host (unreachable, lo) */
    bool has_gateway; /* IPv4; else the destination itself is the next hop */
    uint8_t gateway[4];
};

struct host_route {
    struct ip_prefix prefix;
    uint32_t metric; /* of two routes with one prefix the lower one counts */
    struct host_egress egress;
};

struct host_view {
    unsigned sharers;       /* owners besides the first */
    struct ip_addr *locals; /* sorted by ip_addr_compare(), without duplicates */
    size_t local_count;
    uint64_t local_ends[4]; /* last bytes that an address of ours can have, a bit each; 127.0.0.0/8
                               apart */
    struct ip_prefix *local_prefixes; /* addresses of ours that are not listed one by one */
    size_t local_prefix_count;
    struct ip_addr *broadcasts; /* IPv4 directed broadcasts, sorted likewise */
    size_t broadcast_count;
    struct ip_prefix *tun_prefixes; /* on-link prefixes of tun0 itself; none when addresses are
                                       borrowed */
    size_t tun_prefix_count;
    struct ip_prefix *loops; /* what others route to tun0 */
    size_t loop_count;
    struct route_spans mtus;     /* bytes */
    struct host_source *sources; /* in the order in which the kernel looks at them */
    size_t source_count;
    struct host_egress *egresses; /* without duplicates */
    size_t egress_count;
    struct route_spans ways; /* indices into egresses, counted from 1 */
    bool inbound; /* what is addressed to this host is diverted too, so the kernel has taken one off
                     its TTL before it is read */
};

/*
 * A snapshot with copies of the given arrays, sorted and without duplicates; counts may be 0.
 * Owned by the caller; NULL without memory.
 */
struct host_view *host_view_new(const struct ip_addr *locals, size_t local_count,
                                const struct ip_addr *broadcasts, size_t broadcast_count,
                                const struct ip_prefix *tun_prefixes, size_t tun_prefix_count);

/*
 * Makes all addresses of PREFIXES local too, of a VIEW that is not published yet and has none; for
 * hosts that are described rather than looked at. 0 or -ENOMEM.
 */
int host_view_set_local_prefixes(struct host_view *view, const struct ip_prefix *prefixes,
                                 size_t count);

/* One owner more of VIEW. */
struct host_view *host_view_ref(const struct host_view *view);

/* One owner less; the last one frees. NULL is allowed. */
void host_view_free(struct host_view *view);

/* Whether the address of FAMILY at BYTES (wire order), which may be ours, is. */
bool host_view_has_local(const struct host_view *view, enum ip_family family, const uint8_t *bytes);

/*
 * BYTES: an address of FAMILY in wire order. 127.0.0.0/8 and ::1 are local without being listed.
 * Asked twice a packet and more: most addresses have a last byte that none of ours has, and are not
 * looked for.
 */
static inline bool host_view_is_local(const struct host_view *view, enum ip_family family,
                                      const uint8_t *bytes)
{
    uint8_t end = bytes[IP_ADDR_BYTES(family) - 1];
    bool may_be = (view->local_ends[end / 64] >> end % 64 & 1) != 0 ||
                  (family == FAMILY_IPV4 && bytes[0] == IP4_LOOPBACK_NET);

    return may_be && host_view_has_local(view, family, bytes);
}

bool host_view_is_broadcast(const struct host_view *view, enum ip_family family,
                            const uint8_t *bytes);

/* Whether there is an address for which one of the next two says true. */
static inline bool host_view_leads_to_tun(const struct host_view *view)
{
    return view->tun_prefix_count > 0 || view->loop_count > 0;
}

static inline bool host_view_is_tun_prefix(const struct host_view *view, enum ip_family family,
                                           const uint8_t *bytes)
{
    return ip_prefixes_cover(view->tun_prefixes, view->tun_prefix_count, family, bytes);
}

static inline bool host_view_is_loop(const struct host_view *view, enum ip_family family,
                                     const uint8_t *bytes)
{
    return ip_prefixes_cover(view->loops, view->loop_count, family, bytes);
}

/* Copies COUNT prefixes into a VIEW that is not published yet and has none. 0 or -ENOMEM. */
int host_view_set_loops(struct host_view *view, const struct ip_prefix *loops, size_t count);

/*
 * Path MTUs of a VIEW that is not published yet, from COUNT routes, which are sorted in place. 0 or
 * -ENOMEM (then it has none).
 */
int host_view_set_path_mtus(struct host_view *view, struct route_value *routes, size_t count);

/* Those of FROM. 0 or -ENOMEM. */
int host_view_copy_path_mtus(struct host_view *view, const struct host_view *from);

/* Bytes of the largest packet on the way to BYTES, by the longest prefix; 0 without a route. */
uint32_t host_view_path_mtu(const struct host_view *view, enum ip_family family,
                            const uint8_t *bytes);

/*
 * Sources (copied) and routes of a VIEW that is not published yet: what `masquerade` needs. Routes
 * that lead to the same place share it. 0 or -ENOMEM (then it has none).
 */
int host_view_set_sources(struct host_view *view, const struct host_source *sources, size_t count);
int host_view_set_routes(struct host_view *view, const struct host_route *routes, size_t count);

/*
 * The source address that the kernel's MASQUERADE would give to a packet to BYTES (wire order): an
 * address of the device by which it leaves, best in the next hop's subnet (IPv4,
 * inet_select_addr() at scope universe), or by the rules of RFC 6724 section 5 (IPv6,
 * ipv6_dev_get_saddr(); with the labels of the RFC, and never an address of link scope, which no
 * router would forward). A preferred source of the route does not count, as it does not there. What
 * this host sends to an address of its own comes from that. False, and nothing written: no route to
 * it, or no address.
 */
bool host_view_source(const struct host_view *view, enum ip_family family, const uint8_t *bytes,
                      struct ip_addr *ret_addr);

/* Whether A and B say the same, so that an event that changed nothing need not publish a new one.
 */
bool host_view_equal(const struct host_view *a, const struct host_view *b);

#endif
