/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filling a set of prefixes: they are sorted and made disjoint. */
#include "prefix_leaf.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <stdlib.h>

FOR_WIDTH uint8_t *leaf_of(const struct prefix_set *set, enum prefix_width width, size_t i)
{
    return set->leaves + i / leaf_prefixes(width) * leaf_bytes(width);
}

FOR_WIDTH struct prefix get_as(const struct prefix_set *set, enum prefix_width width, size_t i)
{
    return leaf_get(leaf_of(set, width, i), width, i % leaf_prefixes(width));
}

FOR_WIDTH void put_as(struct prefix_set *set, enum prefix_width width, size_t i,
                      const struct prefix *prefix)
{
    leaf_put(leaf_of(set, width, i), width, i % leaf_prefixes(width), prefix);
}

static struct prefix get(const struct prefix_set *set, size_t i)
{
    switch (set->width) {
    case PREFIX_32:
        return get_as(set, PREFIX_32, i);
    case PREFIX_64:
        return get_as(set, PREFIX_64, i);
    case PREFIX_128:
        break;
    }
    return get_as(set, PREFIX_128, i);
}

static void put(struct prefix_set *set, size_t i, const struct prefix *prefix)
{
    switch (set->width) {
    case PREFIX_32:
        put_as(set, PREFIX_32, i, prefix);
        break;
    case PREFIX_64:
        put_as(set, PREFIX_64, i, prefix);
        break;
    case PREFIX_128:
        put_as(set, PREFIX_128, i, prefix);
    }
}

static size_t leaves_for(const struct prefix_set *set, size_t count)
{
    size_t in_one = leaf_prefixes(set->width);

    return (count + in_one - 1) / in_one;
}

static int resize(struct prefix_set *set, size_t leaves)
{
    uint8_t *resized = reallocarray(set->leaves, leaves, leaf_bytes(set->width));

    if (resized == NULL)
        return -ENOMEM;
    set->leaves = resized;
    set->leaf_capacity = leaves;
    return 0;
}

/* PREFIX, for which SET is wide enough. 0 or -ENOMEM. */
static int append(struct prefix_set *set, const struct prefix *prefix)
{
    int r = 0;

    if (leaves_for(set, set->count + 1) > set->leaf_capacity)
        r = resize(set, MAX_OF(set->leaf_capacity * 2, (size_t)1));
    if (r < 0)
        return r;
    put(set, set->count++, prefix);
    return 0;
}

/* Makes SET wide enough for prefixes of LENGTH bits. 0 or -ENOMEM. */
static int widen(struct prefix_set *set, unsigned length)
{
    struct prefix_set wider = {.width = length > 64 ? PREFIX_128 : PREFIX_64};
    int r = 0;

    for (size_t i = 0; r == 0 && i < set->count; i++) {
        struct prefix prefix = get(set, i);

        r = append(&wider, &prefix);
    }
    if (r < 0) {
        free(wider.leaves);
        return r;
    }
    free(set->leaves);
    *set = wider;
    return 0;
}

static int add_prefix(struct prefix_set *set, const struct prefix *prefix)
{
    int r = 0;

    if (prefix->length > 8 * width_bytes(set->width))
        r = widen(set, prefix->length);
    return r < 0 ? r : append(set, prefix);
}

/* The lowest and the highest bit of NUMBER that is set; ADDRESS_NUMBER_BITS when none is. */
static unsigned lowest_bit(address_number number)
{
    uint64_t high = (uint64_t)(number >> 64), low = (uint64_t)number;

    if (low != 0)
        return (unsigned)__builtin_ctzll(low);
    return high != 0 ? 64 + (unsigned)__builtin_ctzll(high) : ADDRESS_NUMBER_BITS;
}

static unsigned highest_bit(address_number number)
{
    uint64_t high = (uint64_t)(number >> 64), low = (uint64_t)number;

    if (high != 0)
        return 127 - (unsigned)__builtin_clzll(high);
    return low != 0 ? 63 - (unsigned)__builtin_clzll(low) : ADDRESS_NUMBER_BITS;
}

/*
 * The length of the largest prefix that begins at FIRST and ends at LAST or before: as many of the
 * last bits are open as are 0 in FIRST, and as there are numbers for. All numbers at once wrap to
 * 0.
 */
static unsigned longest_step(address_number first, address_number last)
{
    unsigned open = MIN_OF(lowest_bit(first), highest_bit(last - first + 1));

    return ADDRESS_NUMBER_BITS - open;
}

int prefix_set_add(struct prefix_set *set, const struct address_range *range)
{
    enum ip_family family = range->first.family;
    address_number first = address_number_of(family, range->first.bytes);
    address_number last = address_number_of(family, range->last.bytes);

    if (family == FAMILY_IPV4)
        last |= open_bits(32);
    for (;;) {
        unsigned length = longest_step(first, last);
        struct prefix prefix = {first | open_bits(length), (uint8_t)length};
        int r = add_prefix(set, &prefix);

        if (r < 0 || prefix.last == last)
            return r;
        first = prefix.last + 1;
    }
}

/* The order to be: by the last address, of the same one the longest prefix first. */
static bool comes_before(const struct prefix *a, const struct prefix *b)
{
    if (a->last != b->last)
        return a->last < b->last;
    return a->length > b->length;
}

/* Puts PREFIX at AT, or where it belongs below. */
static void sift_down(struct prefix_set *set, size_t at, size_t count, const struct prefix *prefix)
{
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        struct prefix larger = get(set, child);

        if (child + 1 < count) {
            struct prefix other = get(set, child + 1);

            child += comes_before(&larger, &other);
            larger = comes_before(&larger, &other) ? other : larger;
        }
        if (!comes_before(prefix, &larger))
            break;
        put(set, at, &larger);
        at = child;
    }
    put(set, at, prefix);
}

static bool is_sorted(const struct prefix_set *set)
{
    for (size_t i = 1; i < set->count; i++) {
        struct prefix before = get(set, i - 1), prefix = get(set, i);

        if (comes_before(&prefix, &before))
            return false;
    }
    return true;
}

/* Heapsort: takes no memory, and no order of the file makes it slow. */
static void sort(struct prefix_set *set)
{
    if (is_sorted(set))
        return;
    for (size_t i = set->count / 2; i-- > 0;) {
        struct prefix prefix = get(set, i);

        sift_down(set, i, set->count, &prefix);
    }
    for (size_t left = set->count; left-- > 1;) {
        struct prefix prefix = get(set, left), largest = get(set, 0);

        put(set, left, &largest);
        sift_down(set, 0, left, &prefix);
    }
}

/* Prefixes nest or are disjoint: what is covered stands before what covers it. */
static void drop_covered(struct prefix_set *set)
{
    size_t kept = 0;

    for (size_t i = 0; i < set->count; i++) {
        struct prefix prefix = get(set, i);

        while (kept > 0 && get(set, kept - 1).last >= prefix_first(&prefix))
            kept--;
        put(set, kept++, &prefix);
    }
    set->count = kept;
}

/* Leaves as many as are needed. What the last one has room for besides is not below any address. */
static int pack(struct prefix_set *set)
{
    int r = resize(set, leaves_for(set, set->count));

    if (r < 0)
        return r;
    set->highest = get(set, set->count - 1).last;
    for (size_t i = set->count; i < set->leaf_capacity * leaf_prefixes(set->width); i++)
        put(set, i, &(struct prefix){~(address_number)0, 0});
    set->leaves = memory_settle(set->leaves, set->leaf_capacity * leaf_bytes(set->width));
    return 0;
}

int prefix_set_finish(struct prefix_set *set)
{
    int r;

    if (set->count == 0)
        return 0;
    sort(set);
    drop_covered(set);
    r = pack(set);
    return r < 0 ? r : prefix_levels_build(set);
}

size_t prefix_set_memory(const struct prefix_set *set)
{
    return set->leaf_capacity * leaf_bytes(set->width) + set->label_count * width_bytes(set->width);
}

void prefix_set_clear(struct prefix_set *set)
{
    free(set->leaves);
    free(set->labels);
    *set = (struct prefix_set){.leaves = NULL};
}
