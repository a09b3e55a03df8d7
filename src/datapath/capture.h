/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capturing: what a rule with `capture` sees goes into the path's ring, before and after it acts.
 *
 * The books are closed for it (fixup.h), so that a copy has the checksums that the packet would
 * leave with; nothing else of the packet changes.
 */
#ifndef IPMODD_DATAPATH_CAPTURE_TAP_H
#define IPMODD_DATAPATH_CAPTURE_TAP_H

#include "path_state.h"

/* Around act_rule(), for every rule that matches. */
void capture_before(struct path *path, size_t rule, struct packet *packet);
void capture_after(struct path *path, size_t rule, struct packet *packet);

#endif
