/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Act: what a rule does to a packet that it matches. */
#ifndef IPMODD_DATAPATH_ACT_H
#define IPMODD_DATAPATH_ACT_H

#include "ipmodd/datapath/ruleset.h"

#include <assert.h>

/* Runs RULE's actions in order, up to one that decides the packet's fate (STEP_END). */
static inline enum step act_rule(const struct rule *rule, const struct action_context *context,
                                 struct packet *packet)
{
    const struct rule_action *end = rule->actions + rule->action_count;

    for (const struct rule_action *action = rule->actions; action < end; action++) {
        if (action->type->apply(action->value, context, packet) == STEP_END) {
            assert(packet->fate != FATE_PENDING);
            return STEP_END;
        }
    }
    return STEP_NEXT;
}

#endif
