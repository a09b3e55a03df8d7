/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flow filter: which flows somebody wants to see or to end; all conditions that are set hold. */
#ifndef IPMODD_DATAPATH_FLOW_FILTER_H
#define IPMODD_DATAPATH_FLOW_FILTER_H

#include "ipmodd/base/addr.h"
#include "ipmodd/datapath/flow.h"

enum {
    FLOW_FILTER_PROTO = 1u << 0,
    FLOW_FILTER_SRC = 1u << 1,
    FLOW_FILTER_DST = 1u << 2,
    FLOW_FILTER_SPORT = 1u << 3,
    FLOW_FILTER_DPORT = 1u << 4,
    FLOW_FILTER_STATE = 1u << 5,
    FLOW_FILTER_RULE = 1u << 6,
};

/* Addresses and ports are those of the ORIGINAL tuple: as the flow began. */
struct flow_filter {
    unsigned wanted; /* FLOW_FILTER_*; none: every flow */
    uint8_t proto;
    struct ip_prefix src, dst;
    uint16_t sport, dport; /* host order, as in flows */
    enum flow_tcp_state state;
    uint32_t rule; /* by its identity */
};

bool flow_filter_fits(const struct flow_filter *filter, const struct flow *flow);

#endif
