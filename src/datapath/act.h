/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Act: what a rule does to a packet that it matches. */
#ifndef IPMODD_DATAPATH_ACT_H
#define IPMODD_DATAPATH_ACT_H

#include "ipmodd/datapath/ruleset.h"

/* Runs RULE's actions in order, up to one that decides the packet's fate (STEP_END). */
enum step act_rule(const struct rule *rule, const struct action_context *context,
                   struct packet *packet);

#endif
