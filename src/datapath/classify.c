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

/*
 * What can be said of an orphan and a match on its upper layer: the protocol is that of the IPv4
 * header; the next header of an IPv6 fragment header is not worth more than what its sender says.
 */
static enum holding match_holds_for_orphan(const struct path *path, const struct rule_match *match,
                                           const struct packet *packet)
{
    struct scope scope = scope_all();

    if (packet->family == FAMILY_IPV6)
        return HOLDS_FOR_SOME;
    if (!match->type->needs_header)
        return ask(path, match, packet) ? HOLDS_FOR_ALL : HOLDS_FOR_NONE;
    match->type->narrow(match->value, &scope);
    return scope_has(&scope, packet->family, packet->proto) ? HOLDS_FOR_SOME : HOLDS_FOR_NONE;
}

static enum holding match_holds(const struct path *path, const struct rule_match *match,
                                const struct packet *packet)
{
    const struct match_type *type = match->type;

    if ((packet->flags & PACKET_ORPHAN) != 0 && type->follows)
        return match_holds_for_orphan(path, match, packet);
    if (packet->segments == 1 || !type->per_wire_packet)
        return ask(path, match, packet) ? HOLDS_FOR_ALL : HOLDS_FOR_NONE;
    return type->test_segments != NULL ? type->test_segments(match->value, packet) : HOLDS_FOR_SOME;
}

static enum holding all_hold(const struct path *path, const struct rule *rule,
                             const struct packet *packet)
{
    enum holding holding = HOLDS_FOR_ALL;

    for (size_t i = 0; i < rule->match_count; i++) {
        enum holding one;

        if (holding == HOLDS_FOR_SOME && rule->matches[i].type->spends)
            break;
        one = match_holds(path, &rule->matches[i], packet);
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

static bool needs_all_fragments(const struct rule *rule)
{
    for (size_t i = 0; i < rule->action_count; i++) {
        const struct action_type *type = rule->actions[i].type;

        if (type->needs_all_fragments != NULL && type->needs_all_fragments(rule->actions[i].value))
            return true;
    }
    return false;
}

size_t classify_next(const struct path *path, const struct packet *packet, size_t from,
                     bool *ret_undecided)
{
    const struct ruleset *ruleset = path->ruleset;
    bool is_orphan = (packet->flags & PACKET_ORPHAN) != 0;

    *ret_undecided = false;
    for (size_t i = from; i < ruleset->rule_count; i++) {
        const struct rule *rule = &ruleset->rules[i];
        enum holding holding = all_hold(path, rule, packet);

        if (holding == HOLDS_FOR_NONE)
            continue;
        if (holding == HOLDS_FOR_SOME && is_orphan && !needs_all_fragments(rule))
            continue;
        *ret_undecided = holding == HOLDS_FOR_SOME ||
                         (packet->segments > 1 && acts_per_wire_packet(rule));
        return i;
    }
    return ruleset->rule_count;
}

size_t path_obstacle(const struct path *path, size_t rule, const struct packet *packet)
{
    const struct rule *asked = &path->ruleset->rules[rule];
    size_t i = 0;

    while (i < asked->match_count && !asked->matches[i].type->spends &&
           match_holds(path, &asked->matches[i], packet) != HOLDS_FOR_NONE)
        i++;
    return i;
}
