/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorted disjoint prefixes with an implicit search tree above them. */
#include "prefix_set.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a prefix of LENGTH bits leaves open. */
static address_number open_bits(unsigned length)
{
    return length == 0 ? ~(address_number)0
                       : ((address_number)1 << (ADDRESS_NUMBER_BITS - length)) - 1;
}

static address_number key_at(const struct prefix_set *set, size_t i)
{
    return (address_number)set->high[i] << 64 | set->low[i];
}

static void put(struct prefix_set *set, size_t i, address_number key, uint8_t length)
{
    set->high[i] = (uint64_t)(key >> 64);
    set->low[i] = (uint64_t)key;
    set->lengths[i] = length;
}

/* Each array keeps its old size where another one could not grow. */
static int resize(struct prefix_set *set, size_t capacity)
{
    uint64_t *high = reallocarray(set->high, capacity, sizeof(*high));
    uint64_t *low = reallocarray(set->low, capacity, sizeof(*low));
    uint8_t *lengths = reallocarray(set->lengths, capacity, sizeof(*lengths));

    set->high = high != NULL ? high : set->high;
    set->low = low != NULL ? low : set->low;
    set->lengths = lengths != NULL ? lengths : set->lengths;
    if (high == NULL || low == NULL || lengths == NULL)
        return -ENOMEM;
    set->capacity = capacity;
    return 0;
}

static int add_prefix(struct prefix_set *set, address_number key, unsigned length)
{
    int r = 0;

    if (set->count == set->capacity)
        r = resize(set, MAX_OF(set->capacity * 2, (size_t)PREFIX_SET_FANOUT));
    if (r < 0)
        return r;
    put(set, set->count++, key, (uint8_t)length);
    return 0;
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
        int r = add_prefix(set, first, length);

        if (r < 0 || (first | open_bits(length)) == last)
            return r;
        first = (first | open_bits(length)) + 1;
    }
}

/* The order to be: by address, of the same address the shortest prefix first. */
static bool comes_before(const struct prefix_set *set, size_t a, size_t b)
{
    address_number key_a = key_at(set, a), key_b = key_at(set, b);

    if (key_a != key_b)
        return key_a < key_b;
    return set->lengths[a] < set->lengths[b];
}

static void swap(struct prefix_set *set, size_t a, size_t b)
{
    address_number key = key_at(set, a);
    uint8_t length = set->lengths[a];

    put(set, a, key_at(set, b), set->lengths[b]);
    put(set, b, key, length);
}

static void sift_down(struct prefix_set *set, size_t at, size_t count)
{
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && comes_before(set, child, child + 1))
            child++;
        if (!comes_before(set, at, child))
            return;
        swap(set, at, child);
        at = child;
    }
}

static bool is_sorted(const struct prefix_set *set)
{
    for (size_t i = 1; i < set->count; i++) {
        if (comes_before(set, i, i - 1))
            return false;
    }
    return true;
}

/* Heapsort: takes no memory, and no order of the file makes it slow. */
static void sort(struct prefix_set *set)
{
    if (is_sorted(set))
        return;
    for (size_t i = set->count / 2; i-- > 0;)
        sift_down(set, i, set->count);
    for (size_t left = set->count; left-- > 1;) {
        swap(set, 0, left);
        sift_down(set, 0, left);
    }
}

static address_number last_address(const struct prefix_set *set, size_t i)
{
    return key_at(set, i) | open_bits(set->lengths[i]);
}

/* Prefixes nest or are disjoint: what is covered follows what covers it. */
static void drop_covered(struct prefix_set *set)
{
    size_t kept = 0;

    for (size_t i = 0; i < set->count; i++) {
        if (kept > 0 && key_at(set, i) <= last_address(set, kept - 1))
            continue;
        put(set, kept++, key_at(set, i), set->lengths[i]);
    }
    set->count = kept;
}

static int build_levels(struct prefix_set *set)
{
    const uint64_t *below = set->high;
    size_t count = set->count;

    while (count > PREFIX_SET_FANOUT) {
        size_t above = (count + PREFIX_SET_FANOUT - 1) / PREFIX_SET_FANOUT;
        uint64_t *level = reallocarray(NULL, above, sizeof(*level));

        if (level == NULL)
            return -ENOMEM;
        for (size_t i = 0; i < above; i++)
            level[i] = below[i * PREFIX_SET_FANOUT];
        set->levels[set->level_count] = level;
        set->level_counts[set->level_count++] = above;
        below = level;
        count = above;
    }
    return 0;
}

int prefix_set_finish(struct prefix_set *set)
{
    int r;

    if (set->count == 0)
        return 0;
    sort(set);
    drop_covered(set);
    r = resize(set, set->count);
    return r < 0 ? r : build_levels(set);
}

/*
 * Index of the last of the numbers FROM … FROM + 31 of NUMBERS that is not above VALUE; the first
 * one is not. COUNT: how many there are in all. Counts instead of comparing one by one: a wrong
 * guess of a branch costs more than all the comparisons.
 */
static size_t last_not_above(const uint64_t *numbers, size_t count, size_t from, uint64_t value)
{
    size_t not_above = 0;

    if (count - from >= PREFIX_SET_FANOUT) {
        for (size_t i = 0; i < PREFIX_SET_FANOUT; i++)
            not_above += numbers[from + i] <= value;
    } else {
        for (size_t i = from; i < count; i++)
            not_above += numbers[i] <= value;
    }
    return from + not_above - 1;
}

/* Index of the last key not above NUMBER, up to END; the first one is not. */
static size_t search_back(const struct prefix_set *set, size_t end, address_number number)
{
    size_t from = 0, left = end + 1;

    while (left > 1) {
        size_t half = left / 2;

        from += key_at(set, from + half) <= number ? half : 0;
        left -= half;
    }
    return from;
}

bool prefix_set_has(const struct prefix_set *set, enum ip_family family, const uint8_t *bytes)
{
    address_number number = address_number_of(family, bytes);
    uint64_t high = (uint64_t)(number >> 64);
    size_t at = 0;

    if (set->count == 0 || number < key_at(set, 0))
        return false;
    for (size_t level = set->level_count; level-- > 0;)
        at = last_not_above(set->levels[level], set->level_counts[level], at, high) *
             PREFIX_SET_FANOUT;
    __builtin_prefetch(&set->lengths[at]); /* waits for memory together with the keys */
    at = last_not_above(set->high, set->count, at, high);
    if (set->high[at] < high && set->lengths[at] <= 64)
        return (set->high[at] | (uint64_t)(open_bits(set->lengths[at]) >> 64)) >= high;
    if (key_at(set, at) > number)
        at = search_back(set, at, number); /* several keys share the upper half */
    return number <= last_address(set, at);
}

size_t prefix_set_memory(const struct prefix_set *set)
{
    size_t bytes = set->capacity * (2 * sizeof(*set->high) + sizeof(*set->lengths));

    for (size_t level = 0; level < set->level_count; level++)
        bytes += set->level_counts[level] * sizeof(*set->levels[level]);
    return bytes;
}

void prefix_set_clear(struct prefix_set *set)
{
    for (size_t level = 0; level < set->level_count; level++)
        free(set->levels[level]);
    free(set->high);
    free(set->low);
    free(set->lengths);
    *set = (struct prefix_set){.high = NULL};
}
