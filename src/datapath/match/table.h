/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records of the files in this folder, for table.c. */
#ifndef IPMODD_DATAPATH_MATCH_TABLE_H
#define IPMODD_DATAPATH_MATCH_TABLE_H

#include "ipmodd/datapath/match.h"

extern const struct match_type match_direction;
extern const struct match_type match_family;
extern const struct match_type match_proto;
extern const struct match_type match_src;
extern const struct match_type match_dst;
extern const struct match_type match_host;
extern const struct match_type match_sport;
extern const struct match_type match_dport;
extern const struct match_type match_port;
extern const struct match_type match_tcp_flags;
extern const struct match_type match_icmp_type;
extern const struct match_type match_icmp_code;
extern const struct match_type match_ttl;
extern const struct match_type match_dscp;
extern const struct match_type match_ecn;
extern const struct match_type match_df;
extern const struct match_type match_fragment;
extern const struct match_type match_length;
extern const struct match_type match_ip_id;
extern const struct match_type match_ip_option;
extern const struct match_type match_ext_header;
extern const struct match_type match_tcp_option;
extern const struct match_type match_mss;
extern const struct match_type match_window;
extern const struct match_type match_flow_label;
extern const struct match_type match_payload;
extern const struct match_type match_payload_regex;
extern const struct match_type match_state;
extern const struct match_type match_flow_packets;
extern const struct match_type match_flow_bytes;
extern const struct match_type match_time;
extern const struct match_type match_probability;
extern const struct match_type match_every;
extern const struct match_type match_limit;

#endif
