/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holding rules against a packet: all of them, or those that the classifier finds. */
#include "classify.h"

/* Kept out of the functions that every packet goes through, so that these stay small. */
#define RARE __attribute__((noinline))

/* Part of each of those functions, whatever the compiler thinks of their number. */
#define PART __attribute__((always_inline)) static inline

/* MATCH keeps something between packets. */
RARE static bool ask_with_state(const struct path *path, const struct rule_match *match,
                                const struct packet *packet)
{
    struct match_context context = path->matching;

    context.state = match_states_get(&path->match_states, match->state);
    return match->type->test(match->value, &context, packet);
}

PART bool ask(const struct path *path, const struct rule_match *match, const struct packet *packet)
{
    if (match->type->state_new != NULL)
        return ask_with_state(path, match, packet);
    return match->type->test(match->value, &path->matching, packet);
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

/* Whether the protocols of RULE's matches leave any for the family of PACKET. */
static bool fits_family(const struct rule *rule, const struct packet *packet)
{
    struct scope scope = scope_all();

    for (size_t i = 0; i < rule->match_count; i++) {
        if (rule->matches[i].type->narrow != NULL)
            rule->matches[i].type->narrow(rule->matches[i].value, &scope);
    }
    return (scope_families(&scope) & 1u << packet->family) != 0;
}

/* Of a single packet that knows its upper layer: a match holds for it or does not. */
static bool is_plain(const struct packet *packet)
{
    return packet->segments == 1 && (packet->flags & PACKET_ORPHAN) == 0;
}

/* For a plain packet; match_holds() for all of RULE's matches comes to the same. */
PART bool all_hold_for_plain(const struct path *path, const struct rule *rule,
                             const struct packet *packet)
{
    for (size_t i = 0; i < rule->match_count; i++) {
        if (!ask(path, &rule->matches[i], packet))
            return false;
    }
    return true;
}

static enum holding all_hold(const struct path *path, const struct rule *rule,
                             const struct packet *packet)
{
    enum holding holding = HOLDS_FOR_ALL;

    if ((packet->flags & PACKET_ORPHAN) != 0 && !fits_family(rule, packet))
        return HOLDS_FOR_NONE;
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

/* Whether RULE holds as far as can be told, and is not passed over; for any packet. */
RARE static bool may_hold(const struct path *path, const struct packet *packet,
                          const struct rule *rule, bool *ret_undecided)
{
    bool is_orphan = (packet->flags & PACKET_ORPHAN) != 0;
    enum holding holding = all_hold(path, rule, packet);

    if (holding == HOLDS_FOR_NONE)
        return false;
    if (holding == HOLDS_FOR_SOME && is_orphan && !needs_all_fragments(rule))
        return false;
    *ret_undecided = holding == HOLDS_FOR_SOME ||
                     (packet->segments > 1 && acts_per_wire_packet(rule));
    return true;
}

PART bool holds(const struct path *path, const struct packet *packet, size_t i, bool *ret_undecided)
{
    const struct rule *rule = &path->ruleset->rules[i];

    return is_plain(packet) ? all_hold_for_plain(path, rule, packet)
                            : may_hold(path, packet, rule, ret_undecided);
}

/* Which rules are disabled is never kept in the flow cache: one can be switched at any moment. */
PART size_t next_of_all(struct walk *walk, const struct path *path, bool all_enabled,
                        const struct packet *packet, bool *ret_undecided)
{
    while (walk->from < path->ruleset->rule_count) {
        size_t i = walk->from++;

        if ((all_enabled || !path->disabled[i]) && holds(path, packet, i, ret_undecided))
            return i;
    }
    return path->ruleset->rule_count;
}

/* The run from rule number FROM on, in the flow cache, which keeps it until it is asked again. */
static const struct rule_run *find_cached(struct path *path, const struct packet *packet,
                                          size_t from)
{
    const struct classifier *classifier = path->ruleset->classifier;
    struct flow_key key = {.scope = flow_key_scope(path->generation, (uint32_t)from)};
    struct flow_entry *set, *entry;

    flow_key_take(&key, packet, packet->family, &classifier->masks[packet->family]);
    set = flow_cache_place(&path->flow_cache, &key, packet->family);
    entry = flow_cache_find(set, &key, packet->family);
    if (entry != NULL) {
        path->counters.flow_hits++;
        return &entry->run;
    }
    path->counters.flow_misses++;
    entry = flow_cache_give(&path->flow_cache, set, &key);
    classifier_search(classifier, &path->matching, packet, from, &entry->run);
    return &entry->run;
}

static const struct rule_run *find_run(struct walk *walk, struct path *path,
                                       const struct packet *packet)
{
    if (path->method != CLASSIFY_SEARCH)
        return find_cached(path, packet, walk->from);
    classifier_search(path->ruleset->classifier, &path->matching, packet, walk->from, &walk->own);
    return &walk->own;
}

/* The next rule in the runs for PACKET, disabled ones included, with RUN_ASK or without; rule_count
 * for none. */
static inline uint32_t next_in_runs(struct walk *walk, struct path *path,
                                    const struct packet *packet)
{
    for (;;) {
        if (walk->run != NULL && walk->at < walk->run->count)
            return walk->run->rules[walk->at++];
        if (walk->run != NULL)
            walk->from = walk->run->resume;
        if (walk->from >= path->ruleset->rule_count)
            return (uint32_t)path->ruleset->rule_count;
        walk->run = find_run(walk, path, packet);
        walk->at = 0;
    }
}

PART size_t next_of_run(struct walk *walk, struct path *path, bool all_enabled,
                        const struct packet *packet, bool *ret_undecided)
{
    for (;;) {
        uint32_t rule = next_in_runs(walk, path, packet);
        size_t i = rule & ~RUN_ASK;

        if (i == path->ruleset->rule_count)
            return i;
        if (!all_enabled && path->disabled[i])
            continue;
        if ((rule & RUN_ASK) == 0) {
            *ret_undecided = packet->segments > 1 && acts_per_wire_packet(&path->ruleset->rules[i]);
            return i;
        }
        if (holds(path, packet, i, ret_undecided))
            return i;
    }
}

static bool asks_every_rule(const struct path *path)
{
    return path->ruleset->classifier == NULL || path->method == CLASSIFY_ALL;
}

void classify_begin(struct path *path)
{
    if (path->disabled_count > 0)
        path->way = WALK_ENABLED;
    else
        path->way = asks_every_rule(path) ? WALK_ALL : WALK_RUNS;
}

RARE static size_t next_enabled(struct walk *walk, struct path *path, const struct packet *packet,
                                bool *ret_undecided)
{
    if (asks_every_rule(path))
        return next_of_all(walk, path, false, packet, ret_undecided);
    return next_of_run(walk, path, false, packet, ret_undecided);
}

size_t walk_search(struct walk *walk, struct path *path, const struct packet *packet,
                   bool *ret_undecided)
{
    switch (path->way) {
    case WALK_ALL:
        return next_of_all(walk, path, true, packet, ret_undecided);
    case WALK_RUNS:
        return next_of_run(walk, path, true, packet, ret_undecided);
    case WALK_ENABLED:
        break;
    }
    return next_enabled(walk, path, packet, ret_undecided);
}

/* Of all rules, or of those that the classifier finds. */
static size_t next_candidate(struct walk *walk, struct path *path, const struct packet *packet)
{
    if (asks_every_rule(path))
        return walk->from < path->ruleset->rule_count ? walk->from++ : path->ruleset->rule_count;
    return next_in_runs(walk, path, packet) & ~RUN_ASK;
}

/* What can be told of RULE and an orphan without anything being spent; *RET_MATCH: the match from
 * which on nothing was asked. */
static enum holding foresee(const struct path *path, const struct rule *rule,
                            const struct packet *packet, size_t *ret_match)
{
    enum holding holding = fits_family(rule, packet) ? HOLDS_FOR_ALL : HOLDS_FOR_NONE;
    size_t i = 0;

    for (; i < rule->match_count && !rule->matches[i].type->spends && holding != HOLDS_FOR_NONE;
         i++) {
        enum holding one = match_holds(path, &rule->matches[i], packet);

        if (one != HOLDS_FOR_ALL)
            holding = one;
    }
    *ret_match = i;
    return holding;
}

static bool decides(const struct rule *rule)
{
    return rule->action_count > 0 && rule->actions[rule->action_count - 1].type->decides;
}

bool classify_needs_first(struct path *path, const struct packet *packet)
{
    bool could_be_accepted = false;
    struct walk walk;
    size_t i;

    walk_begin(&walk, 0, NULL);
    while ((i = next_candidate(&walk, path, packet)) < path->ruleset->rule_count) {
        const struct rule *rule = &path->ruleset->rules[i];
        enum holding holding;
        size_t asked;

        if (path->disabled[i])
            continue;
        holding = foresee(path, rule, packet, &asked);
        if (holding == HOLDS_FOR_SOME && needs_all_fragments(rule))
            return true;
        could_be_accepted |= holding == HOLDS_FOR_SOME && decides(rule);
        if (holding == HOLDS_FOR_ALL && asked == rule->match_count && decides(rule))
            return could_be_accepted && needs_all_fragments(rule);
    }
    return could_be_accepted && path->ruleset->policy == POLICY_DROP;
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
