/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records of the files in this folder, for table.c. */
#ifndef IPMODD_DATAPATH_ACTION_TABLE_H
#define IPMODD_DATAPATH_ACTION_TABLE_H

#include "ipmodd/datapath/action.h"

extern const struct action_type action_set_src;
extern const struct action_type action_set_dst;
extern const struct action_type action_set_sport;
extern const struct action_type action_set_dport;
extern const struct action_type action_set_ttl;
extern const struct action_type action_set_dscp;
extern const struct action_type action_set_ecn;
extern const struct action_type action_set_df;
extern const struct action_type action_set_ip_id;
extern const struct action_type action_set_flow_label;
extern const struct action_type action_set_mss;
extern const struct action_type action_clamp_mss;
extern const struct action_type action_set_window;
extern const struct action_type action_set_tcp_flags;
extern const struct action_type action_strip_tcp_option;
extern const struct action_type action_set_payload;
extern const struct action_type action_replace;
extern const struct action_type action_snat;
extern const struct action_type action_dnat;
extern const struct action_type action_masquerade;
extern const struct action_type action_redirect;
extern const struct action_type action_netmap;
extern const struct action_type action_reply;
extern const struct action_type action_verdict;

#endif
