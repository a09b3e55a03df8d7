/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src, dst, host: addresses, prefixes, ranges and sets of both families. */
#include "address_list.h"
#include "table.h"

#include "ipmodd/base/text.h"
#include "ipmodd/wire/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* FAMILIES_* of ITEM; an empty set says nothing of either. */
static unsigned item_families(const struct address_item *item)
{
    if (item->ref.name == NULL)
        return 1u << item->range.first.family;
    if (item->ref.set == NULL || set_families(item->ref.set) == 0)
        return FAMILIES_ALL;
    return set_families(item->ref.set);
}

/* Families that LIST speaks of: those of its positive items, or of all where there are none. */
static unsigned list_families(const struct address_list *list)
{
    unsigned positive = 0, all = 0;

    for (size_t i = 0; i < list->count; i++) {
        unsigned families = item_families(&list->items[i]);

        all |= families;
        positive |= list->items[i].negated ? 0 : families;
    }
    return positive != 0 ? positive : all;
}

static void address_free(void *value)
{
    struct address_list *list = value;

    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].ref.name);
    free(list);
}

static int parse_item(const char *text, struct address_item *item, struct value_error *error)
{
    if (*text != '@')
        return address_range_parse(text, &item->range, error);
    item->ref.name = strdup(text + 1);
    return item->ref.name != NULL ? 0 : -ENOMEM;
}

static int add_item(void *pointer, const struct text_item *text, const void *context,
                    struct value_error *error)
{
    struct address_list *list = pointer;
    struct address_item *item = &list->items[list->count];
    int r = parse_item(text->text, item, error);

    (void)context;
    if (r < 0)
        return r;
    item->negated = text->negated;
    list->negates |= text->negated;
    list->count++;
    return 0;
}

static int address_parse(const char *text, const struct scope *scope, void **ret_value,
                         struct value_error *error)
{
    static const struct value_list kind = {sizeof(struct address_list), sizeof(struct address_item),
                                           add_item, address_free};
    void *parsed = NULL;
    int r = value_parse_list(text, &kind, NULL, &parsed, error);
    struct address_list *list = parsed;

    (void)scope;
    if (r < 0)
        return r;
    list->families = list_families(list);
    if (!address_list_can_hold(list)) {
        address_free(list);
        return value_refuse_empty_list(error);
    }
    *ret_value = list;
    return 0;
}

static int address_bind(void *value, const struct set_list *sets, struct value_error *error)
{
    struct address_list *list = value;

    for (size_t i = 0; i < list->count; i++) {
        struct set_ref *ref = &list->items[i].ref;
        int r = ref->name != NULL ? set_ref_bind(ref, sets, SET_PREFIX, error) : 0;

        if (r < 0)
            return r;
    }
    list->families = list_families(list);
    return 0;
}

static void address_narrow(const void *value, struct scope *scope)
{
    const struct address_list *list = value;

    scope_keep_families(scope, list->families);
}

/*
 * Adds the addresses of RANGE: with IPv6 an upper half, and the lower ones that go with it. Whether
 * they are all that both halves allow together.
 */
static bool cover_range(const struct address_range *range, struct cover *high, struct cover *low)
{
    const uint8_t *first = range->first.bytes, *last = range->last.bytes;
    uint64_t low_first, low_last;

    if (range->first.family == FAMILY_IPV4) {
        cover_add(high, be32_load(first), be32_load(last));
        return true;
    }
    low_first = be64_load(first + sizeof(uint64_t));
    low_last = be64_load(last + sizeof(uint64_t));
    cover_add(high, be64_load(first), be64_load(last));
    if (be64_load(first) == be64_load(last)) {
        cover_add(low, low_first, low_last);
        return true;
    }
    cover_add(low, 0, UINT64_MAX);
    return low_first == 0 && low_last == UINT64_MAX;
}

/*
 * Several lower halves, each with an upper half of its own, allow more than the list. It is RANGES
 * that count, as spans of upper halves that touch are one.
 */
static bool is_product(size_t ranges, const struct cover *low)
{
    bool all_low = true;

    for (size_t i = 0; i < low->count; i++)
        all_low &= low->spans[i].first == 0 && low->spans[i].last == UINT64_MAX;
    return ranges <= 1 || all_low;
}

/* A set is too large to be looked into, and items with `!` leave almost everything. */
static bool bound(const struct address_list *list, struct box *box, enum dimension high,
                  enum dimension low)
{
    struct cover high_cover = {.count = 0}, low_cover = {.count = 0};
    bool positive = false, exact = true;
    size_t ranges = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct address_item *item = &list->items[i];

        if (!item->negated && item->ref.name != NULL)
            return false;
        positive |= !item->negated;
        exact &= !item->negated;
        if (item->negated || item->range.first.family != box->family)
            continue;
        exact &= cover_range(&item->range, &high_cover, &low_cover);
        ranges++;
    }
    if (!positive)
        return false;
    exact &= is_product(ranges, &low_cover);
    box_bound(box, high, &high_cover);
    if (box->family == FAMILY_IPV6)
        box_bound(box, low, &low_cover);
    return exact;
}

static bool src_bound(const void *value, struct box *box)
{
    return bound(value, box, DIMENSION_SRC, DIMENSION_SRC_LOW);
}

static bool dst_bound(const void *value, struct box *box)
{
    return bound(value, box, DIMENSION_DST, DIMENSION_DST_LOW);
}

static bool src_test(const void *value, const struct match_context *context,
                     const struct packet *packet)
{
    (void)context;
    return address_list_holds_either(value, packet->family, packet_src(packet), packet_src(packet));
}

static bool dst_test(const void *value, const struct match_context *context,
                     const struct packet *packet)
{
    (void)context;
    return address_list_holds_either(value, packet->family, packet_dst(packet), packet_dst(packet));
}

static bool host_test(const void *value, const struct match_context *context,
                      const struct packet *packet)
{
    (void)context;
    return address_list_holds_either(value, packet->family, packet_src(packet), packet_dst(packet));
}

static void print_item(const struct address_item *item, FILE *out)
{
    if (item->negated)
        fputc('!', out);
    if (item->ref.name != NULL)
        fprintf(out, "@%s", item->ref.name);
    else
        address_range_print(&item->range, out);
}

static void address_print(const void *value, FILE *out)
{
    const struct address_list *list = value;

    for (size_t i = 0; i < list->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_item(&list->items[i], out);
    }
}

const struct match_type match_src = {
    .key = "src",
    .grammar = "addresses, prefixes, ranges and @sets of both families",
    .parse = address_parse,
    .free = address_free,
    .bind = address_bind,
    .narrow = address_narrow,
    .test = src_test,
    .bound = src_bound,
    .reads = FIELD_BIT(FIELD_SRC),
    .implied = address_list_implied,
    .holds_always = address_list_holds_always,
    .print = address_print,
};

const struct match_type match_dst = {
    .key = "dst",
    .grammar = "addresses, prefixes, ranges and @sets of both families",
    .parse = address_parse,
    .free = address_free,
    .bind = address_bind,
    .narrow = address_narrow,
    .test = dst_test,
    .bound = dst_bound,
    .reads = FIELD_BIT(FIELD_DST),
    .implied = address_list_implied,
    .holds_always = address_list_holds_always,
    .print = address_print,
};

const struct match_type match_host = {
    .key = "host",
    .grammar = "addresses, prefixes, ranges and @sets of both families",
    .parse = address_parse,
    .free = address_free,
    .bind = address_bind,
    .narrow = address_narrow,
    .test = host_test,
    .reads = FIELD_BIT(FIELD_SRC) | FIELD_BIT(FIELD_DST),
    .holds_always = address_list_holds_always,
    .print = address_print,
};
