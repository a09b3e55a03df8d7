/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classify: which rules match. Rules are held against the packet one after the other, first to
 * last, as it is at that moment: a rule sees the edits of those before it.
 */
#ifndef IPMODD_DATAPATH_CLASSIFY_H
#define IPMODD_DATAPATH_CLASSIFY_H

#include "ipmodd/datapath/ruleset.h"

/* Index of the first rule from number FROM on whose matches all hold; rule_count for none. */
size_t classify_next(const struct ruleset *ruleset, const struct packet *packet, size_t from);

#endif
