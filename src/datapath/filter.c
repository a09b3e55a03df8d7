/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holding matches against packets beside the rules. */
#include "ipmodd/datapath/filter.h"

#include "match_states.h"
#include "path_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* A ruleset of one rule, so that its matches have their numbers and states as in any other. */
struct filter {
    struct ruleset *ruleset;
};

struct filter_memory {
    const struct rule *rule; /* borrowed */
    struct match_states states;
    uint64_t undecided; /* of the filter, not of the path */
};

struct filter *filter_new(struct rule *rule)
{
    struct filter *filter = calloc(1, sizeof(*filter));

    if (filter != NULL)
        filter->ruleset = ruleset_new(POLICY_ACCEPT, MALFORMED_DROP);
    if (filter == NULL || filter->ruleset == NULL) {
        rule_clear(rule);
        free(filter);
        return NULL;
    }
    if (ruleset_add(filter->ruleset, rule) == 0)
        return filter;
    filter_free(filter);
    return NULL;
}

void filter_free(struct filter *filter)
{
    if (filter == NULL)
        return;
    ruleset_free(filter->ruleset);
    free(filter);
}

struct filter_memory *filter_memory_new(const struct filter *filter)
{
    struct filter_memory *memory = calloc(1, sizeof(*memory));

    if (memory == NULL)
        return NULL;
    memory->rule = &filter->ruleset->rules[0];
    if (match_states_init(&memory->states, filter->ruleset) == 0 &&
        match_states_fill(&memory->states, memory->rule, NULL) == 0)
        return memory;
    filter_memory_free(memory);
    return NULL;
}

void filter_memory_free(struct filter_memory *memory)
{
    if (memory == NULL)
        return;
    match_states_clear(&memory->states);
    free(memory);
}

static bool holds(const struct filter_memory *memory, const struct rule_match *match,
                  struct match_context *context, const struct packet *packet)
{
    const struct match_type *type = match->type;

    if (packet->segments > 1 && type->per_wire_packet)
        return type->test_segments == NULL ||
               type->test_segments(match->value, packet) != HOLDS_FOR_NONE;
    if (type->state_new != NULL)
        context->state = match_states_get(&memory->states, match->state);
    return type->test(match->value, context, packet);
}

bool filter_fits(struct filter_memory *memory, const struct path *path, const struct packet *packet)
{
    struct match_context context = {.time = path->matching.time, .undecided = &memory->undecided};

    for (size_t i = 0; i < memory->rule->match_count; i++) {
        const struct rule_match *match = &memory->rule->matches[i];

        assert(!match->type->spends);
        if (match->type->needs_flow && path->flows == NULL)
            return false;
        if (!holds(memory, match, &context, packet))
            return false;
    }
    return true;
}
