/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lists of addresses hold for, alone and compared with each other. */
#include "address_list.h"

#include "list.h"

#include <string.h>

static bool item_holds(const struct address_item *item, enum ip_family family, const uint8_t *bytes)
{
    return item->ref.set != NULL ? set_has_address(item->ref.set, family, bytes)
                                 : address_range_holds(&item->range, family, bytes);
}

static bool item_holds_either(const struct address_item *item, enum ip_family family,
                              const uint8_t *a, const uint8_t *b)
{
    return item_holds(item, family, a) || (b != a && item_holds(item, family, b));
}

static bool tally_holds_either(const struct address_list *list, enum ip_family family,
                               const uint8_t *a, const uint8_t *b)
{
    struct list_tally tally = {.held = false};

    for (size_t i = 0; i < list->count && !tally.excluded; i++)
        list_tally_add(&tally, list->items[i].negated,
                       item_holds_either(&list->items[i], family, a, b));
    return list_tally_holds(&tally);
}

/* Of nothing but positive items, one that holds is enough. */
bool address_list_holds_either(const struct address_list *list, enum ip_family family,
                               const uint8_t *a, const uint8_t *b)
{
    if ((list->families & 1u << family) == 0)
        return false;
    if (list->negates)
        return tally_holds_either(list, family, a, b);
    for (size_t i = 0; i < list->count; i++) {
        if (item_holds_either(&list->items[i], family, a, b))
            return true;
    }
    return false;
}

static bool list_holds(const struct address_list *list, const struct ip_addr *addr)
{
    return address_list_holds_either(list, addr->family, addr->bytes, addr->bytes);
}

static bool has_sets(const struct address_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].ref.name != NULL)
            return true;
    }
    return false;
}

/* The address behind ADDR; false behind the last of its family. */
static bool step(struct ip_addr *addr)
{
    for (size_t i = IP_ADDR_BYTES(addr->family); i-- > 0;) {
        if (++addr->bytes[i] != 0)
            return true;
    }
    return false;
}

/* Between the ends of its items nothing changes, so one address for each run is enough. */
static bool holds_in_all_of(const struct address_list *list, enum ip_family family)
{
    const struct ip_addr zero = {.family = family};
    bool holds = list_holds(list, &zero);

    for (size_t i = 0; holds && i < list->count; i++) {
        const struct address_range *range = &list->items[i].range;
        struct ip_addr behind = range->last;

        if (range->first.family == family)
            holds = list_holds(list, &range->first) &&
                    (!step(&behind) || list_holds(list, &behind));
    }
    return holds;
}

/* One that excludes some holds not always, so it does not matter how many addresses are asked for.
 */
bool address_list_holds_always(const void *value)
{
    const struct address_list *list = value;

    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        if ((list->families & 1u << family) != 0 &&
            (has_sets(list) || !holds_in_all_of(list, family)))
            return false;
    }
    return true;
}

/* Between the ends of all items neither list changes, so one address for each run is enough. */
static bool implied_at_ends(const struct address_list *list, const struct address_list *narrow,
                            const struct address_list *ends)
{
    for (size_t i = 0; i < ends->count; i++) {
        struct ip_addr behind = ends->items[i].range.last;

        if (list_holds(narrow, &ends->items[i].range.first) &&
            !list_holds(list, &ends->items[i].range.first))
            return false;
        if (step(&behind) && list_holds(narrow, &behind) && !list_holds(list, &behind))
            return false;
    }
    return true;
}

static bool same_item(const struct address_item *a, const struct address_item *b)
{
    if (a->negated != b->negated || (a->ref.name == NULL) != (b->ref.name == NULL))
        return false;
    if (a->ref.name != NULL)
        return strcmp(a->ref.name, b->ref.name) == 0;
    return memcmp(&a->range, &b->range, sizeof(a->range)) == 0;
}

static bool same_items(const struct address_list *a, const struct address_list *b)
{
    for (size_t i = 0; i < a->count && a->count == b->count; i++) {
        if (!same_item(&a->items[i], &b->items[i]))
            return false;
    }
    return a->count == b->count;
}

bool address_list_implied(const void *value, const void *narrow)
{
    const struct address_list *list = value, *other = narrow;

    if (has_sets(list) || has_sets(other))
        return same_items(list, other);
    if (!implied_at_ends(list, other, other)) /* first, as most lists differ there */
        return false;
    for (enum ip_family family = 0; family < FAMILY_COUNT; family++) {
        const struct ip_addr zero = {.family = family};

        if (list_holds(other, &zero) && !list_holds(list, &zero))
            return false;
    }
    return implied_at_ends(list, other, list);
}

/* If it holds for any address, then for the lowest, or for one at an edge of an item. */
static bool can_hold_in(const struct address_list *list, enum ip_family family)
{
    const struct ip_addr zero = {.family = family};

    if (list_holds(list, &zero))
        return true;
    for (size_t i = 0; i < list->count; i++) {
        const struct address_item *item = &list->items[i];
        struct ip_addr edge = item->negated ? item->range.last : item->range.first;

        if (edge.family == family && (!item->negated || step(&edge)) && list_holds(list, &edge))
            return true;
    }
    return false;
}

bool address_list_can_hold(const struct address_list *list)
{
    return has_sets(list) || can_hold_in(list, FAMILY_IPV4) || can_hold_in(list, FAMILY_IPV6);
}
