/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow filter: which flows somebody wants to see, as words. Addresses and ports are those of the
 * ORIGINAL tuple: as the flow began.
 */
#ifndef IPMODD_CONTROL_FLOW_FILTER_H
#define IPMODD_CONTROL_FLOW_FILTER_H

#include "ipmodd/control/commands.h"

/*
 * COUNT words "proto=tcp src=192.0.2.0/24 dport=443 state=ESTABLISHED rule=NAME …" to *RET_FILTER,
 * all of which must hold. 0, or -EINVAL with a sentence in TEXT.
 */
int flow_filter_parse(char *const *words, size_t count, const struct ruleset *ruleset,
                      struct flow_filter *ret_filter, char *text, size_t size);

/* The name of PROTO as flows are shown, or its number. Returns TEXT or a constant. */
enum { FLOW_PROTO_TEXT = 8 };
const char *flow_proto_name(uint8_t proto, char text[static FLOW_PROTO_TEXT]);

#endif
