/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Choose: the addresses and ports that a flow is translated to, among those which a rule allows and
 * nobody else has (translation.h).
 */
#ifndef IPMODD_DATAPATH_FLOW_CHOOSE_H
#define IPMODD_DATAPATH_FLOW_CHOOSE_H

#include "ipmodd/datapath/translation.h"
#include "track_flow.h"

/*
 * LEAVING is the tuple of the packet that begins FLOW as it would leave, and its destination
 * becomes what NOTE says. REASON_NONE or why not.
 */
enum reason choose_destination(const struct tracking *tracking, const struct translation_note *note,
                               struct flow_tuple *leaving);

/*
 * The same for its source, last: its REPLY is then free. NOTE may be about nothing: the address
 * stays, and only a port is looked for. RET_MAPPING: the number of the mapping; 0 without one.
 */
enum reason choose_source(const struct tracking *tracking, struct flow *flow,
                          const struct translation_note *note, struct flow_tuple *leaving,
                          uint32_t *ret_mapping);

#endif
