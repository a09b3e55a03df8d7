/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running a rule's actions. */
#include "act.h"

#include <assert.h>

enum step act_rule(const struct rule *rule, const struct action_context *context,
                   struct packet *packet)
{
    for (size_t i = 0; i < rule->action_count; i++) {
        const struct rule_action *action = &rule->actions[i];

        if (action->type->apply(action->value, context, packet) == STEP_END) {
            assert(packet->fate != FATE_PENDING);
            return STEP_END;
        }
    }
    return STEP_NEXT;
}
