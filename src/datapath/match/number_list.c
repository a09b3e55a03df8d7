/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of numbers and ranges. */
#include "ipmodd/datapath/number_list.h"

#include "list.h"

#include "ipmodd/base/text.h"

#include <stdlib.h>

/* If it holds for any number, then for an edge of one of its items. */
bool number_list_can_hold(const struct number_list *list, const struct value_domain *domain)
{
    if (number_list_holds(list, domain->min))
        return true;
    for (size_t i = 0; i < list->count; i++) {
        const struct number_item *item = &list->items[i];

        if (!item->negated && number_list_holds(list, item->first))
            return true;
        if (item->negated && item->last < domain->max && number_list_holds(list, item->last + 1))
            return true;
    }
    return false;
}

/* Between the ends of its items nothing changes. */
static bool holds_for_all(const struct number_list *list, const struct value_domain *domain)
{
    bool holds = number_list_holds(list, domain->min);

    for (size_t i = 0; holds && i < list->count; i++) {
        const struct number_item *item = &list->items[i];

        holds = number_list_holds(list, item->first) &&
                (item->last >= domain->max || number_list_holds(list, item->last + 1));
    }
    return holds;
}

bool number_list_holds_always(const void *list)
{
    return ((const struct number_list *)list)->holds_always;
}

struct number_list *number_list_new(size_t capacity)
{
    return calloc(1, sizeof(struct number_list) + capacity * sizeof(struct number_item));
}

int number_list_add(struct number_list *list, const struct text_item *text,
                    const struct value_domain *domain, struct value_error *error)
{
    struct value_name range;
    int r = value_parse_range(text->text, domain, &range, error);

    if (r < 0)
        return r;
    list->items[list->count++] =
        (struct number_item){.first = range.first, .last = range.last, .negated = text->negated};
    return 0;
}

/* CONTEXT: the domain of the numbers. */
static int add_item(void *list, const struct text_item *text, const void *context,
                    struct value_error *error)
{
    return number_list_add(list, text, context, error);
}

/* What a list of numbers is, whatever it holds for. */
static const struct value_list list_kind = {sizeof(struct number_list), sizeof(struct number_item),
                                            add_item, free};

static int refuse_empty(struct number_list *list, struct value_error *error)
{
    free(list);
    return value_refuse_empty_list(error);
}

int number_list_parse(const char *text, const struct value_domain *domain, void **ret_list,
                      struct value_error *error)
{
    void *list;
    int r = value_parse_list(text, &list_kind, domain, &list, error);

    if (r < 0)
        return r;
    if (!number_list_can_hold(list, domain))
        return refuse_empty(list, error);
    ((struct number_list *)list)->holds_always = holds_for_all(list, domain);
    *ret_list = list;
    return 0;
}

int number_list_parse_kinds(const char *text, const struct value_domain *domain, void **ret_list,
                            struct value_error *error)
{
    const struct kind_set none = {.words = {0}};
    void *list;
    int r = value_parse_list(text, &list_kind, domain, &list, error);

    if (r < 0)
        return r;
    if (!number_list_can_hold(list, domain) && !number_list_holds_kinds(list, &none))
        return refuse_empty(list, error);
    *ret_list = list;
    return 0;
}

static bool item_holds(const struct number_item *item, uint32_t number)
{
    return number >= item->first && number <= item->last;
}

void number_list_tally_either(const struct number_list *list, uint32_t a, uint32_t b,
                              struct list_tally *tally)
{
    for (size_t i = 0; i < list->count && !tally->excluded; i++) {
        const struct number_item *item = &list->items[i];

        list_tally_add(tally, item->negated, item_holds(item, a) || item_holds(item, b));
    }
}

bool number_list_holds_either(const struct number_list *list, uint32_t a, uint32_t b)
{
    struct list_tally tally = {.held = false};

    number_list_tally_either(list, a, b, &tally);
    return list_tally_holds(&tally);
}

bool number_list_holds(const struct number_list *list, uint32_t number)
{
    return number_list_holds_either(list, number, number);
}

/* Between the ends of all items neither list changes, so one number for each run is enough. */
static bool implied_at_ends(const struct number_list *list, const struct number_list *narrow,
                            const struct number_list *ends)
{
    for (size_t i = 0; i < ends->count; i++) {
        const struct number_item *item = &ends->items[i];

        if (number_list_holds(narrow, item->first) && !number_list_holds(list, item->first))
            return false;
        if (item->last < UINT32_MAX && number_list_holds(narrow, item->last + 1) &&
            !number_list_holds(list, item->last + 1))
            return false;
    }
    return true;
}

bool number_list_implied(const void *list, const void *narrow)
{
    const struct number_list *a = list, *b = narrow;

    if (number_list_holds(b, 0) && !number_list_holds(a, 0))
        return false;
    return implied_at_ends(a, b, a) && implied_at_ends(a, b, b);
}

bool number_list_bound(const struct number_list *list, enum dimension dimension, struct box *box)
{
    struct cover cover = {.count = 0};
    bool negated = false;

    for (size_t i = 0; i < list->count; i++) {
        negated |= list->items[i].negated;
        if (!list->items[i].negated)
            cover_add(&cover, list->items[i].first, list->items[i].last);
    }
    if (cover.count > 0)
        box_bound(box, dimension, &cover);
    return cover.count > 0 && !negated;
}

uint64_t number_item_word(const struct number_item *item, unsigned word)
{
    uint64_t named = UINT64_MAX;

    if (word < item->first / 64 || word > item->last / 64)
        return 0;
    if (word == item->first / 64)
        named &= UINT64_MAX << item->first % 64;
    if (word == item->last / 64)
        named &= UINT64_MAX >> (63 - item->last % 64);
    return named;
}

static bool has_kind_of(const struct kind_set *kinds, const struct number_item *item)
{
    for (unsigned word = item->first / 64; word <= item->last / 64; word++) {
        if ((kinds->words[word] & number_item_word(item, word)) != 0)
            return true;
    }
    return false;
}

bool number_list_holds_kinds(const struct number_list *list, const struct kind_set *kinds)
{
    struct list_tally tally = {.held = false};

    for (size_t i = 0; i < list->count && !tally.excluded; i++) {
        const struct number_item *item = &list->items[i];

        list_tally_add(&tally, item->negated, has_kind_of(kinds, item));
    }
    return list_tally_holds(&tally);
}

void number_list_print(const struct number_list *list, const struct value_domain *domain, FILE *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct number_item *item = &list->items[i];

        fprintf(out, "%s%s", i > 0 ? ", " : "", item->negated ? "!" : "");
        value_print_range(domain, item->first, item->last, out);
    }
}
