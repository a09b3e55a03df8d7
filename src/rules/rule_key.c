/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a rule section: looking for them, and what is said of them. */
#include "rule_key.h"

#include "observe_key.h"

struct rule_key rule_key_find(const char *name)
{
    struct rule_key key = {.match = match_type_find(name)};

    if (key.match == NULL)
        key.action = action_type_find(name);
    if (key.match == NULL && key.action == NULL)
        key.observe = observe_key_find(name);
    return key;
}

bool rule_key_exists(const struct rule_key *key)
{
    return key->match != NULL || key->action != NULL || key->observe != NULL;
}

const char *rule_key_grammar(const struct rule_key *key)
{
    if (key->match != NULL)
        return key->match->grammar;
    return key->action != NULL ? key->action->grammar : key->observe->grammar;
}

bool rule_key_repeats(const struct rule_key *key)
{
    return key->match != NULL ? key->match->repeats : key->action != NULL && key->action->repeats;
}

void rule_key_guess(struct text_guess *guess)
{
    for (size_t i = 0; i < match_type_count; i++)
        text_guess_offer(guess, match_types[i]->key);
    for (size_t i = 0; i < action_type_count; i++)
        text_guess_offer(guess, action_types[i]->key);
    for (size_t i = 0; i < observe_key_count; i++)
        text_guess_offer(guess, observe_keys[i].key);
}
