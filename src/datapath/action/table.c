/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All actions: the one place where they are listed. */
#include "table.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"

/* One a line, so that branches that add some do not meet. */
/* clang-format off */
const struct action_type *const action_types[] = {
    &action_set_src,
    &action_set_dst,
    &action_set_sport,
    &action_set_dport,
    &action_set_ttl,
    &action_set_dscp,
    &action_set_ecn,
    &action_set_df,
    &action_set_ip_id,
    &action_set_flow_label,
    &action_set_mss,
    &action_clamp_mss,
    &action_set_window,
    &action_set_tcp_flags,
    &action_strip_tcp_option,
    &action_set_payload,
    &action_replace,
    &action_snat,
    &action_dnat,
    &action_masquerade,
    &action_redirect,
    &action_netmap,
    &action_reply,
    &action_verdict,
};
/* clang-format on */

const size_t action_type_count = ARRAY_SIZE(action_types);

const struct action_type *action_type_find(const char *key)
{
    for (size_t i = 0; i < action_type_count; i++) {
        if (text_is(key, action_types[i]->key))
            return action_types[i];
    }
    return NULL;
}
