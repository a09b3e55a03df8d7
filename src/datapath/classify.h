/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classify: which rules match. Rules are held against the packet one after the other, first to
 * last, as it is at that moment: a rule sees the edits of those before it.
 *
 * A super-packet is held against matches of one wire packet only as far as they can tell for all of
 * its segments at once. A rule that may hold for some of them, or that holds and acts on single
 * wire packets, asks for a split.
 *
 * An orphan (a later fragment whose first one is not known) is held against matches on the upper
 * layer as far as can be told. A rule that might hold for it but for these is passed over, so that
 * an `accept` does not let it through; if the rule must not miss a fragment, because it drops or
 * readdresses, the orphan cannot go on.
 */
#ifndef IPMODD_DATAPATH_CLASSIFY_H
#define IPMODD_DATAPATH_CLASSIFY_H

#include "path_state.h"

/*
 * Index of the first rule of PATH's set from number FROM on that matches; rule_count for none. With
 * *RET_UNDECIDED the rule cannot be applied to the packet as it is: a super-packet has to be split
 * and its segments classified from that rule on, an orphan to be dropped.
 */
size_t classify_next(const struct path *path, const struct packet *packet, size_t from,
                     bool *ret_undecided);

#endif
