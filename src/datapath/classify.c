/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The linear classifier. */
#include "classify.h"

static bool ask(const struct path *path, const struct rule_match *match,
                const struct packet *packet)
{
    struct match_context context;

    if (match->type->state_new == NULL)
        return match->type->test(match->value, &path->matching, packet);
    context = path->matching;
    context.state = match_states_get(&path->match_states, match->state);
    return match->type->test(match->value, &context, packet);
}

static enum holding match_holds(const struct path *path, const struct rule_match *match,
                                const struct packet *packet)
{
    const struct match_type *type = match->type;

    if (packet->segments == 1 || !type->per_wire_packet)
        return ask(path, match, packet) ? HOLDS_FOR_ALL : HOLDS_FOR_NONE;
    return type->test_segments != NULL ? type->test_segments(match->value, packet) : HOLDS_FOR_SOME;
}

static enum holding all_hold(const struct path *path, const struct rule *rule,
                             const struct packet *packet)
{
    enum holding holding = HOLDS_FOR_ALL;

    for (size_t i = 0; i < rule->match_count; i++) {
        enum holding one = match_holds(path, &rule->matches[i], packet);

        if (one == HOLDS_FOR_NONE)
            return HOLDS_FOR_NONE;
        if (one == HOLDS_FOR_SOME)
            holding = HOLDS_FOR_SOME;
    }
    return holding;
}

static bool takes_whole(const struct rule_action *action)
{
    const struct action_type *type = action->type;

    return !type->per_wire_packet ||
           (type->takes_whole != NULL && type->takes_whole(action->value));
}

static bool acts_per_wire_packet(const struct rule *rule)
{
    for (size_t i = 0; i < rule->action_count; i++) {
        if (!takes_whole(&rule->actions[i]))
            return true;
    }
    return false;
}

size_t classify_next(const struct path *path, const struct packet *packet, size_t from,
                     bool *ret_split)
{
    const struct ruleset *ruleset = path->ruleset;

    *ret_split = false;
    for (size_t i = from; i < ruleset->rule_count; i++) {
        enum holding holding = all_hold(path, &ruleset->rules[i], packet);

        if (holding == HOLDS_FOR_NONE)
            continue;
        *ret_split = holding == HOLDS_FOR_SOME ||
                     (packet->segments > 1 && acts_per_wire_packet(&ruleset->rules[i]));
        return i;
    }
    return ruleset->rule_count;
}
