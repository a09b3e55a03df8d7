/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All matches: the one place where they are listed. */
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

/* One a line, so that branches that add some do not meet. */
/* clang-format off */
const struct match_type *const match_types[] = {
    &match_direction,
    &match_family,
    &match_proto,
    &match_src,
    &match_dst,
    &match_host,
    &match_sport,
    &match_dport,
    &match_port,
    &match_tcp_flags,
    &match_icmp_type,
    &match_icmp_code,
    &match_ttl,
    &match_dscp,
    &match_ecn,
    &match_df,
    &match_fragment,
    &match_length,
    &match_ip_id,
    &match_ip_option,
    &match_ext_header,
    &match_tcp_option,
    &match_mss,
    &match_window,
    &match_flow_label,
    &match_payload,
    &match_payload_regex,
    &match_state,
    &match_flow_packets,
    &match_flow_bytes,
    &match_time,
    &match_probability,
    &match_every,
    &match_limit,
};
/* clang-format on */

const size_t match_type_count = ARRAY_SIZE(match_types);

const struct match_type *match_type_find(const char *key)
{
    for (size_t i = 0; i < match_type_count; i++) {
        if (text_is(key, match_types[i]->key))
            return match_types[i];
    }
    return NULL;
}
