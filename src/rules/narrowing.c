/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keys of a rule leave of all packets. */
#include "narrowing.h"

#include <assert.h>

struct narrowing narrowing_all(void)
{
    return (struct narrowing){.scope = scope_all()};
}

/* The earlier key that alone contradicts CONSTRAINT, or NULL. */
static const struct entry *find_opponent(const struct narrowing *narrowing,
                                         const struct constraint *constraint)
{
    for (size_t i = 0; i < narrowing->count; i++) {
        const struct constraint *earlier = &narrowing->constraints[i];
        struct scope both = scope_all();

        earlier->take(earlier->value, &both);
        constraint->take(constraint->value, &both);
        if (scope_is_empty(&both))
            return earlier->entry;
    }
    return NULL;
}

bool narrowing_take(struct narrowing *narrowing, const struct entry *entry, narrow_fn *take,
                    const void *value, const struct entry **ret_opponent)
{
    const struct constraint constraint = {.entry = entry, .take = take, .value = value};

    if (scope_is_empty(&narrowing->scope))
        return true;
    take(value, &narrowing->scope);
    if (scope_is_empty(&narrowing->scope)) {
        *ret_opponent = find_opponent(narrowing, &constraint);
        return false;
    }
    assert(narrowing->count < CONSTRAINTS_MAX);
    narrowing->constraints[narrowing->count++] = constraint;
    return true;
}
