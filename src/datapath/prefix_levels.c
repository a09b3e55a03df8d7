/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The implicit search tree above the leaves of a prefix set, and looking an address up. */
#include "prefix_leaf.h"

#include <errno.h>
#include <stdlib.h>

/* Where the labels of each level begin; returns how many there are in all. */
static size_t plan_levels(struct prefix_set *set)
{
    size_t labels = 0, fanout = node_labels(set->width);

    for (size_t below = set->leaf_capacity; below > 1;) {
        size_t nodes = (below + fanout - 1) / fanout;

        set->level_at[set->level_count++] = labels;
        labels += nodes * fanout;
        below = nodes;
    }
    return labels;
}

/* Labels at TO for COUNT leaves or nodes: their last numbers, from FROM on every STEP bytes. */
static void label(const struct prefix_set *set, uint8_t *to, const uint8_t *from, size_t count,
                  size_t step)
{
    size_t bytes = width_bytes(set->width);

    for (size_t i = 0; i < count; i++)
        memcpy(to + i * bytes, from + i * step, bytes);
}

int prefix_levels_build(struct prefix_set *set)
{
    size_t bytes = width_bytes(set->width), fanout = node_labels(set->width);
    size_t step = leaf_bytes(set->width), count = set->leaf_capacity;
    const uint8_t *from = set->leaves + (leaf_prefixes(set->width) - 1) * bytes;

    set->label_count = plan_levels(set);
    if (set->label_count == 0)
        return 0;
    set->labels = reallocarray(NULL, set->label_count, bytes);
    if (set->labels == NULL)
        return -ENOMEM;
    memset(set->labels, 0xff, set->label_count * bytes);
    for (size_t level = 0; level < set->level_count; level++) {
        uint8_t *to = set->labels + set->level_at[level] * bytes;

        label(set, to, from, count, step);
        from = to + (fanout - 1) * bytes;
        step = fanout * bytes;
        count = (count + fanout - 1) / fanout;
    }
    set->labels = memory_settle(set->labels, set->label_count * bytes);
    return 0;
}

/*
 * How many of COUNT numbers are below VALUE. Looks at all of them: a wrong guess of a branch costs
 * more than all the comparisons.
 */
#define COUNT_BELOW(type)                                                              \
    FOR_WIDTH size_t count_below_##type(const void *numbers, size_t count, type value) \
    {                                                                                  \
        const type *number = numbers;                                                  \
        unsigned below = 0;                                                            \
                                                                                       \
        for (size_t i = 0; i < count; i++)                                             \
            below += number[i] < value;                                                \
        return below;                                                                  \
    }

COUNT_BELOW(uint32_t)
COUNT_BELOW(uint64_t)
COUNT_BELOW(address_number)

FOR_WIDTH size_t count_below(enum prefix_width width, const void *numbers, size_t count,
                             address_number value)
{
    switch (width) {
    case PREFIX_32:
        return count_below_uint32_t(numbers, count, (uint32_t)(value >> 96));
    case PREFIX_64:
        return count_below_uint64_t(numbers, count, (uint64_t)(value >> 64));
    case PREFIX_128:
        break;
    }
    return count_below_address_number(numbers, count, value);
}

/* Whether NUMBER, not above all prefixes, lies in the first one that does not end below it. */
FOR_WIDTH bool has_as(const struct prefix_set *set, enum prefix_width width, address_number number)
{
    size_t at = 0, fanout = node_labels(width);
    struct prefix prefix;
    const uint8_t *leaf;

    for (size_t level = set->level_count; level-- > 0;) {
        size_t label = set->level_at[level] + at * fanout;

        at = at * fanout +
             count_below(width, set->labels + label * width_bytes(width), fanout, number);
    }
    leaf = set->leaves + at * leaf_bytes(width);
    prefix = leaf_get(leaf, width, count_below(width, leaf, leaf_prefixes(width), number));
    return number >= prefix_first(&prefix);
}

bool prefix_set_has(const struct prefix_set *set, enum ip_family family, const uint8_t *bytes)
{
    address_number number = address_number_of(family, bytes);

    if (set->count == 0 || number > set->highest)
        return false;
    switch (set->width) {
    case PREFIX_32:
        return has_as(set, PREFIX_32, number);
    case PREFIX_64:
        return has_as(set, PREFIX_64, number);
    case PREFIX_128:
        break;
    }
    return has_as(set, PREFIX_128, number);
}
