/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life time of what matches keep between packets. */
#include "match_states.h"

#include "ipmodd/base/macro.h"
#include "ipmodd/base/text_stream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct match_state {
    void *kept;
    void (*free)(void *kept);
    bool inherits;      /* what is kept comes from another set */
    size_t predecessor; /* with `inherits`: its number there */
};

int match_states_init(struct match_states *states, const struct ruleset *ruleset)
{
    /* One more than needed, so that no set has no memory. */
    states->items = calloc(ruleset->match_state_count + 1, sizeof(*states->items));
    states->count = ruleset->match_state_count;
    return states->items != NULL ? 0 : -ENOMEM;
}

/* The match of OLD that has the turn that MATCH has among those of its key; NULL without one. */
static const struct rule_match *
find_counterpart(const struct rule *rule, const struct rule_match *match, const struct rule *old)
{
    size_t turn = 0;

    for (const struct rule_match *other = rule->matches; other < match; other++)
        turn += other->type == match->type;
    for (size_t i = 0; i < old->match_count; i++) {
        if (old->matches[i].type == match->type && turn-- == 0)
            return &old->matches[i];
    }
    return NULL;
}

/* Whether two matches of one key say the same. 0 or -ENOMEM. */
static int compare_values(const struct rule_match *a, const struct rule_match *b, bool *ret_same)
{
    char CLEANUP(cleanup_free) *text_a = text_stream_print(a->type->print, a->value);
    char CLEANUP(cleanup_free) *text_b = text_stream_print(b->type->print, b->value);

    if (text_a == NULL || text_b == NULL)
        return -ENOMEM;
    *ret_same = strcmp(text_a, text_b) == 0;
    return 0;
}

static int fill(struct match_state *state, const struct rule *rule, const struct rule_match *match,
                const struct rule *old)
{
    const struct rule_match *counterpart = old != NULL ? find_counterpart(rule, match, old) : NULL;

    if (counterpart != NULL && compare_values(match, counterpart, &state->inherits) < 0)
        return -ENOMEM;
    state->free = match->type->state_free;
    if (state->inherits) {
        state->predecessor = counterpart->state;
        return 0;
    }
    state->kept = match->type->state_new(match->value);
    return state->kept != NULL ? 0 : -ENOMEM;
}

int match_states_fill(struct match_states *states, const struct rule *rule, const struct rule *old)
{
    for (size_t i = 0; i < rule->match_count; i++) {
        const struct rule_match *match = &rule->matches[i];

        if (match->type->state_new != NULL &&
            fill(&states->items[match->state], rule, match, old) < 0)
            return -ENOMEM;
    }
    return 0;
}

void match_states_take_over(struct match_states *states, struct match_states *old)
{
    for (size_t i = 0; i < states->count; i++) {
        struct match_state *state = &states->items[i];

        if (!state->inherits)
            continue;
        state->kept = TAKE_PTR(old->items[state->predecessor].kept);
        state->inherits = false;
    }
}

void match_states_clear(struct match_states *states)
{
    for (size_t i = 0; i < states->count && states->items != NULL; i++) {
        if (states->items[i].kept != NULL)
            states->items[i].free(states->items[i].kept);
    }
    free(states->items);
    *states = (struct match_states){.items = NULL};
}

void *match_states_get(const struct match_states *states, size_t number)
{
    assert(number < states->count);
    return states->items[number].kept;
}
