/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Route: one route of a table as a value, and sets of them.
 *
 * A key is what the kernel tells routes of one table apart by: destination, source prefix (IPv6),
 * tos and metric. Main may have several routes with one key (variants: IPv4 append, IPv6 routes
 * over several devices); a set keeps them in the kernel's order, the one that counts first.
 *
 * Attributes that nothing here looks at (encap, realms, router preference, expiry) are left out
 * when a route is read: such a route is mirrored as far as its key, type, source and metrics go,
 * and the packet meets the real one on its second pass.
 *
 * A set owns its routes.
 */
#ifndef IPMODD_KERNEL_ROUTE_H
#define IPMODD_KERNEL_ROUTE_H

#include "ipmodd/base/addr.h"
#include "ipmodd/kernel/divert.h"

#include <assert.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#define HASH_NONFATAL_OOM                    1
#define HASH_FUNCTION(key, length, ret_hash) ((ret_hash) = route_key_hash(key))
#include <uthash.h>

/* Hashed and compared as bytes; it has no padding. */
struct route_key {
    uint8_t family; /* enum ip_family */
    uint8_t dst_len;
    uint8_t src_len; /* IPv6 source-specific routes */
    uint8_t tos;
    uint32_t metric;
    uint8_t dst[16];
    uint8_t src[16];
};

static_assert(sizeof(struct route_key) == 40, "a key has no padding");

/* KEY: a struct route_key. */
unsigned route_key_hash(const void *key);

/* RTAX_* values, indexed by their number. */
struct route_metrics {
    uint32_t mask; /* bit N: values[N] is set */
    uint32_t values[RTAX_MAX + 1];
    char congestion[16]; /* RTAX_CC_ALGO as text; its bit in mask counts */
};

struct hop {
    uint32_t ifindex;
    uint8_t flags; /* RTNH_F_* */
    bool has_gateway;
    uint8_t gateway[4]; /* IPv4 only */
};

enum route_state {
    ROUTE_MISSING,   /* wanted, not in the kernel */
    ROUTE_INSTALLED, /* in the kernel as wanted */
    ROUTE_DIFFERENT, /* ours with this key is there, but not as wanted */
    ROUTE_OCCUPIED,  /* somebody else's with this key is there */
    ROUTE_STATE_COUNT,
};

struct route {
    struct route_key key;
    uint8_t type;     /* RTN_* */
    uint8_t protocol; /* RTPROT_* */
    uint8_t scope;    /* RT_SCOPE_*, IPv4 */
    bool has_source;
    uint8_t source[16];            /* RTA_PREFSRC */
    uint32_t nexthop_id;           /* of a nexthop object; 0 = none */
    struct route_metrics *metrics; /* owned; NULL = none */
    enum route_state state;        /* of a wanted route */
    struct route *next;            /* variant with the same key */
    UT_hash_handle hh;             /* of the first variant */
    uint32_t hop_count;
    struct hop hops[];
};

struct route_set {
    struct route *routes; /* hash by key; first variants */
};

/* ROUTE's metrics, made if it has none; NULL without memory. */
struct route_metrics *route_metrics_of(struct route *route);

/* A new zeroed route with room for HOP_COUNT hops, or NULL. */
struct route *route_new(uint32_t hop_count);
void route_free(struct route *route);
void route_cleanup(struct route **route);

/*
 * Reads a route message. 1 with *RET_ROUTE (owned) and its table; 0 for what is no entry of a table
 * (cloned, other family); -ENOMEM or -EBADMSG.
 */
int route_parse(const struct nlmsghdr *message, struct route **ret_route, uint32_t *ret_table);

/* Whether the two do the same: type, hops, source and metrics. */
bool route_same(const struct route *a, const struct route *b);

/* RTM_NEWROUTE (or RTM_DELROUTE) of ROUTE with our protocol number; NULL without memory. */
struct nl_msg *route_message_new(const struct route *route, uint32_t table, uint16_t flags);
struct nl_msg *route_message_del(const struct route *route, uint32_t table);

/* A request for all routes of TABLE in FAMILY; RT_TABLE_UNSPEC = of every table. */
struct nl_msg *route_message_dump(enum ip_family family, uint32_t table);

struct route *route_set_find(const struct route_set *set, const struct route_key *key);

/* ROUTE (taken) becomes the only, the first or the last one with its key. 0 or -ENOMEM (freed). */
int route_set_replace(struct route_set *set, struct route *route);
int route_set_prepend(struct route_set *set, struct route *route);
int route_set_append(struct route_set *set, struct route *route);

/* Takes out the route with KEY and frees it with all its variants. */
void route_set_remove(struct route_set *set, struct route *route);

/* Takes out the variant that does the same as ROUTE. False if there is none. */
bool route_set_remove_same(struct route_set *set, const struct route *route);

size_t route_set_count(const struct route_set *set);
void route_set_clear(struct route_set *set);

/* "192.0.2.0/24 metric 5", for sentences. */
enum { ROUTE_KEY_TEXT = 160 };
const char *route_key_format(const struct route_key *key, char buffer[static ROUTE_KEY_TEXT]);

#endif
