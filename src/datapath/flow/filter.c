/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which flows a filter lets through. */
#include "ipmodd/datapath/flow_filter.h"

static bool covers(const struct ip_prefix *prefix, uint8_t family, const uint8_t *bytes)
{
    return (uint8_t)prefix->addr.family == family && ip_prefix_covers_bytes(prefix, bytes);
}

bool flow_filter_fits(const struct flow_filter *filter, const struct flow *flow)
{
    const struct flow_tuple *tuple = &flow->tuples[FLOW_ORIGINAL];
    unsigned wanted = filter->wanted;

    return ((wanted & FLOW_FILTER_PROTO) == 0 || tuple->proto == filter->proto) &&
           ((wanted & FLOW_FILTER_SRC) == 0 || covers(&filter->src, tuple->family, tuple->src)) &&
           ((wanted & FLOW_FILTER_DST) == 0 || covers(&filter->dst, tuple->family, tuple->dst)) &&
           ((wanted & FLOW_FILTER_SPORT) == 0 || tuple->sport == filter->sport) &&
           ((wanted & FLOW_FILTER_DPORT) == 0 || tuple->dport == filter->dport) &&
           ((wanted & FLOW_FILTER_STATE) == 0 || flow_tcp_state_of(flow) == filter->state) &&
           ((wanted & FLOW_FILTER_RULE) == 0 || flow->rule == filter->rule);
}
