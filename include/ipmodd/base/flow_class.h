/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow classes: kinds of flows that differ in how long they may be quiet, and what the
 * configuration says about flows.
 */
#ifndef IPMODD_BASE_FLOW_CLASS_H
#define IPMODD_BASE_FLOW_CLASS_H

#include <stdint.h>

enum flow_class {
    FLOW_CLASS_TCP_ESTABLISHED,
    FLOW_CLASS_TCP_TRANSITORY, /* not open yet, or closed */
    FLOW_CLASS_UDP,
    FLOW_CLASS_ICMP, /* queries */
    FLOW_CLASS_SCTP,
    FLOW_CLASS_OTHER,
    FLOW_CLASS_COUNT,
};

enum {
    FLOWS_MIN = 64,
    FLOWS_MAX = 1 << 24,
    FLOWS_DEFAULT = 1 << 17,
};

/* Seconds without a refusal of what comes from outside. */
enum {
    NAT_REFUSE_AT_ONCE = 0,
    NAT_REFUSE_MAX = 60,
};

/* Ports outside for one address inside. */
enum {
    NAT_PORTS_UNLIMITED = 0,
    NAT_PORTS_MAX = 65535,
};

/* Flows that share one of them; FLOWS_MAX at most. */
enum { NAT_FLOWS_UNLIMITED = 0 };

/* What of the other end a mapping or a filter of translated flows depends on (RFC 4787 4.1, 5). */
enum nat_behaviour {
    NAT_ENDPOINT_INDEPENDENT,
    NAT_ADDRESS_DEPENDENT,
    NAT_ADDRESS_AND_PORT_DEPENDENT,
    NAT_BEHAVIOUR_COUNT,
};

/* "endpoint-independent", as in the configuration; never NULL below NAT_BEHAVIOUR_COUNT. */
const char *nat_behaviour_name(enum nat_behaviour behaviour);

struct flow_limits {
    uint32_t max;                          /* flows at a time, FLOWS_MIN to FLOWS_MAX */
    uint32_t timeouts_s[FLOW_CLASS_COUNT]; /* seconds, at least 1 */
    enum nat_behaviour nat_mapping, nat_filtering;
    uint32_t nat_ports;        /* NAT_PORTS_UNLIMITED, or 1 to NAT_PORTS_MAX (RFC 6888 REQ-4) */
    uint32_t nat_flows;        /* NAT_FLOWS_UNLIMITED, or 1 to FLOWS_MAX (RFC 6888 REQ-5) */
    uint32_t nat_refuse_after; /* seconds, to NAT_REFUSE_MAX (RFC 5382 REQ-4) */
};

/* FLOWS_DEFAULT, the times of the RFCs, independence of endpoints, any number of ports and of flows
 * that share one. */
struct flow_limits flow_limits_default(void);

#endif
