/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the configuration says about everything but rules: plain values, filled by rules/, read by
 * kernel/ and daemon/.
 *
 * The struct holds no text that still needs parsing and no default that is still open, except where
 * a comment names a value that means "decide at run time". It owns its arrays; config_free() frees
 * them. Immutable once loaded.
 */
#ifndef IPMODD_BASE_CONFIG_H
#define IPMODD_BASE_CONFIG_H

#include "ipmodd/base/addr.h"
#include "ipmodd/base/cpu_list.h"
#include "ipmodd/base/flow_class.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What happens to a packet that no rule decided. */
enum policy {
    POLICY_ACCEPT,
    POLICY_DROP,
    POLICY_COUNT,
};

/* What happens to a packet that parse.c refuses. */
enum malformed_policy {
    MALFORMED_DROP,
    MALFORMED_PASS,
    MALFORMED_COUNT,
};

/* A set of directions; bit numbers are those of enum direction. */
enum direction {
    DIRECTION_OUT,     /* made by this host */
    DIRECTION_FORWARD, /* passing through */
    DIRECTION_IN,      /* addressed to this host */
    DIRECTION_COUNT,
};

enum {
    DIRECTIONS_OUT = 1u << DIRECTION_OUT,
    DIRECTIONS_FORWARD = 1u << DIRECTION_FORWARD,
    DIRECTIONS_IN = 1u << DIRECTION_IN,
};

/* Which of main's routes table 100 repeats. */
enum mirror_mode {
    MIRROR_ALL,     /* every one: all that main routes is diverted */
    MIRROR_DEFAULT, /* default routes alone, behind `lookup main suppress_prefixlength 0`: what main
                       has a more specific route for is not diverted */
    MIRROR_COUNT,
};

/* What a crash leaves behind; a clean stop always opens. */
enum on_exit_policy {
    ON_EXIT_OPEN,   /* traffic flows on, unmodified */
    ON_EXIT_CLOSED, /* diverted destinations are unreachable until the daemon is back or swept away
                     */
    ON_EXIT_COUNT,
};

/* Which runs of datagrams are handed to the kernel as one super-packet. */
enum merge_mode {
    MERGE_EXACT,   /* those of which the wire will be the same to the last bit */
    MERGE_RELAXED, /* with other IPv4 identifications where those mean nothing (RFC 6864) */
    MERGE_OFF,
    MERGE_MODE_COUNT,
};

/* Connection tracking of packets that cross netfilter a second time. */
enum conntrack_mode {
    CONNTRACK_AUTO, /* an own nft table where NAT of others needs one */
    CONNTRACK_KEEP, /* as the kernel does it */
    CONNTRACK_COUNT,
};

/* What becomes of netfilter rules that diverted packets meet differently. */
enum foreign_netfilter {
    FOREIGN_NETFILTER_WARN,
    FOREIGN_NETFILTER_REFUSE, /* to start */
    FOREIGN_NETFILTER_COUNT,
};

/* syslog(3) priorities of the same name; a smaller value is more urgent. */
enum log_level {
    LEVEL_ERROR = 3,
    LEVEL_WARNING = 4,
    LEVEL_NOTICE = 5,
    LEVEL_INFO = 6,
    LEVEL_DEBUG = 7,
};

/* An inclusive range of user ids. */
struct uid_range {
    uint32_t first, last;
};

/* Destination ports that are not diverted, inclusive, host order. */
struct port_exclusion {
    uint8_t proto; /* IPPROTO_TCP or IPPROTO_UDP */
    uint16_t first, last;
};

/* Whether there is a control socket, and where. */
enum control_mode {
    CONTROL_AUTO, /* in the runtime directory, if it can be made there */
    CONTROL_OFF,
    CONTROL_AT, /* at a path, or no start */
};

/* Where figures are served by HTTP. */
struct metrics_place {
    bool on;
    struct ip_addr addr;
    uint16_t port; /* host order */
};

struct config_main {
    enum policy policy;
    enum malformed_policy malformed;
    enum log_level log_level;
    bool seeded;   /* `seed` was given; otherwise one is drawn at the start */
    uint64_t seed; /* of the random numbers that rules use */
    enum control_mode control;
    char *control_path; /* with CONTROL_AT */
    struct metrics_place metrics;
};

/* Of `queues`. */
enum { QUEUES_MAX = 16 };

/* `busy-poll = auto`. */
enum { BUSY_POLL_AUTO_US = 30 };

struct config_tun {
    char name[IFNAMSIZ];
    struct ip_prefix *addresses; /* none = borrow those of the egress devices */
    size_t address_count;
    uint32_t mtu;          /* bytes; 0 = the largest of the egress devices */
    unsigned queues;       /* of the device, each with a thread of its own; 1 to QUEUES_MAX */
    uint32_t busy_poll_us; /* how long a thread looks for the next packet before it sleeps */
    enum merge_mode merge;
    bool offload;        /* super-packets and partial checksums, as far as the kernel has them */
    bool rps_all;        /* the kernel goes on with what is written on all processors, */
    struct cpu_list rps; /* or on these; none = on the one that writes */
};

struct config_divert {
    unsigned directions;          /* DIRECTIONS_* */
    unsigned families;            /* FAMILIES_* */
    char (*interfaces)[IFNAMSIZ]; /* whose traffic alone is diverted; none = of all devices */
    size_t interface_count;
    uint32_t table;           /* of what goes out; what comes in has the next one */
    uint32_t priority;        /* of `iif TUN lookup main`; the guard rule has priority + 1 */
    uint32_t divert_priority; /* of `lookup TABLE`; the exclusions have the one before it */
    struct ip_prefix *excludes;
    size_t exclude_count;
    struct uid_range *exclude_uids;
    size_t exclude_uid_count;
    struct port_exclusion *exclude_ports;
    size_t exclude_port_count;
    enum mirror_mode mirror;
    bool masquerades; /* not a key: some rule asks for the source addresses of routes */
    enum conntrack_mode conntrack;
    enum foreign_netfilter foreign_netfilter;
    enum on_exit_policy on_exit;
};

struct config {
    struct config_main main;
    struct config_tun tun;
    struct config_divert divert;
    struct flow_limits flows;
};

/* The defaults of ipmodd.conf(5), or NULL without memory. Owned by the caller. */
struct config *config_new(void);

/* CONFIG with copies of its arrays, or NULL without memory. Owned by the caller. */
struct config *config_copy(const struct config *config);

/* Whether the traffic of the device NAME is diverted. */
bool config_diverts_device(const struct config_divert *divert, const char *name);

/* Frees CONFIG and its arrays; NULL is allowed. */
void config_free(struct config *config);

void config_cleanup(struct config **config);

/*
 * Whether A and B ask the same of the kernel: [tun] and [divert]. May be false for two that do, for
 * which the caller does needless work; never the reverse.
 */
bool config_same_diversion(const struct config *a, const struct config *b);

/* Names as they stand in the configuration file ("accept", "out", "open", "warning", …). */
const char *policy_name(enum policy policy);
const char *malformed_policy_name(enum malformed_policy policy);
const char *direction_name(enum direction direction);
const char *mirror_mode_name(enum mirror_mode mode);
const char *conntrack_mode_name(enum conntrack_mode mode);
const char *foreign_netfilter_name(enum foreign_netfilter policy);
const char *on_exit_policy_name(enum on_exit_policy policy);
const char *log_level_name(enum log_level level);

#endif
